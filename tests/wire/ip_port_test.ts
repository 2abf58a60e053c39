import assert from "node:assert/strict";
import { isIpAndPort } from "../../src/wire/ip_port.ts";

for (
  const [text, is] of [
    ["192.0.2.1:51820", true],
    ["[2001:db8::1]:1", true],
    ["192.0.2.1:65535", true],
    ["192.0.2.1:65536", false],
    ["192.0.2.1:0", false],
    ["192.0.2.1:022", false],
    ["192.0.2.256:22", false],
    ["192.0.2.1", false],
    ["192.0.2.1:", false],
    ["2001:db8::1:22", false],
    ["[fe80::1%eth0]:22", false],
    ["[192.0.2.1]:22", false],
    ["host:22", false],
    ["192.0.2.1:22\n", false],
    ["", false],
  ] as const
) {
  Deno.test(`isIpAndPort() says ${is} to ${JSON.stringify(text)}`, () => {
    assert.equal(isIpAndPort(text), is);
  });
}
