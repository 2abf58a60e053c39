import assert from "node:assert/strict";
import {
  certificateState,
  clientCertificateOf,
} from "../../src/agent/client_certificate.ts";
import {
  CAN_MAKE_CERTIFICATES,
  withCertificates,
} from "../uplink/certificates.ts";

const DAY_MS = 86_400_000;

Deno.test({
  name:
    "clientCertificateOf() tells what the configured certificate says of itself",
  ignore: !CAN_MAKE_CERTIFICATES,
  fn: () =>
    withCertificates(async ({ client, ca }) => {
      const dir = await Deno.makeTempDir();
      try {
        const path = `${dir}/client.pem`;
        // A chain: the first one is the node's own.
        await Deno.writeTextFile(path, client.cert + ca);
        const found = clientCertificateOf({
          "api.client_cert_file": path,
          "api.client_key_file": `${dir}/key.pem`,
        });
        assert.equal(found?.certificateRef, `file:${path}`);
        assert.equal(found.keyRef, `file:${dir}/key.pem`);
        assert.match(found.fingerprint, /^[0-9a-f]{64}$/);
        assert.match(found.subject, /^CN=client/);
        assert.match(found.issuer, /^CN=ca/);
        const [from, to] = [found.notBefore, found.notAfter].map(Date.parse);
        assert.ok(from! < to!);
      } finally {
        await Deno.remove(dir, { recursive: true });
      }
    }),
});

Deno.test("clientCertificateOf() knows none where none is configured, and no other file", async () => {
  assert.equal(
    clientCertificateOf({
      "api.client_cert_file": undefined,
      "api.client_key_file": undefined,
    }),
    undefined,
  );
  const path = await Deno.makeTempFile();
  try {
    assert.throws(() =>
      clientCertificateOf({
        "api.client_cert_file": path,
        "api.client_key_file": path,
      })
    );
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("certificateState() warns two weeks before the end", () => {
  const notAfter = "2026-03-31T12:00:00.000Z";
  const endMs = Date.parse(notAfter);
  const state = (leftMs: number) =>
    certificateState({ notAfter }, endMs - leftMs);
  assert.equal(state(14 * DAY_MS + 1), "valid");
  assert.equal(state(14 * DAY_MS), "expires_soon");
  assert.equal(state(1), "expires_soon");
  assert.equal(state(0), "expired");
});
