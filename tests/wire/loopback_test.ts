import assert from "node:assert/strict";
import { isLoopback } from "../../src/wire/loopback.ts";

for (
  const [url, is] of [
    ["http://localhost:1", true],
    ["http://LOCALHOST", true],
    ["http://127.0.0.1", true],
    ["http://127.1", true],
    ["http://2130706433", true],
    ["http://127.255.255.254:80", true],
    ["http://[::1]:1", true],
    ["http://[0:0:0:0:0:0:0:1]", true],
    ["http://[::2]", false],
    ["http://128.0.0.1", false],
    ["http://127.0.0.1.example", false],
    ["http://localhost.example", false],
    ["http://sub.localhost", false],
    ["http://0.0.0.0", false],
    ["http://10.127.0.0", false],
    ["http://[::ffff:127.0.0.1]", false],
  ] as const
) {
  Deno.test(`isLoopback() is ${is} for the host of ${url}`, () => {
    assert.equal(isLoopback(new URL(url).hostname), is);
  });
}
