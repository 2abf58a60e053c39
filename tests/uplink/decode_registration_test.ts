import assert from "node:assert/strict";
import { ControlClient } from "../../src/uplink/control_client.ts";
import { ControlError } from "../../src/uplink/control_error.ts";
import { decodeRegistration } from "../../src/uplink/decode_registration.ts";
import { registerResponseSchema } from "../../src/wire/bodies.ts";
import { registerResponse2Schema } from "../../src/wire/dialect2/bodies.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { vectors } from "../vectors/load.ts";
import { TestServer } from "./serve.ts";

const SCHEMAS = { 1: registerResponseSchema, 2: registerResponse2Schema };

for (const { name, kind, document, dialect } of vectors.dialect_detection) {
  if (kind !== "register_response") continue;
  for (const asked of [1, 2] as const) {
    const same = asked === dialect;
    Deno.test(`decodeRegistration() in dialect ${asked} ${same ? "reads" : "refuses"} vector ${name}`, () => {
      const read = () =>
        decodeRegistration(asked, SCHEMAS[asked], JSON.stringify(document));
      if (same) return assert.ok(read().node_id);
      assert.throws(
        read,
        (error) =>
          error instanceof ControlError && error.kind === "unsupported" &&
          error.message.endsWith(`set api.dialect to ${dialect}`),
      );
    });
  }
}

for (const text of ["", "<html>", "null", "[]", '{"node_id":"n_1"}']) {
  Deno.test(`decodeRegistration() refuses ${text || "nothing"} as no answer`, () => {
    for (const asked of [1, 2] as const) {
      assert.throws(
        () => decodeRegistration(asked, SCHEMAS[asked], text),
        (error) => error instanceof ControlError && error.kind === "bad_answer",
      );
    }
  });
}

Deno.test("ControlClient.register() takes no answer of dialect 2, and says what to do", async () => {
  const found = vectors.dialect_detection
    .find(({ name }) => name === "register-2");
  await using server = new TestServer(() => Response.json(found?.document));
  const client = new ControlClient({
    baseUrl: server.url,
    version: "1.2.3",
    clock: new FakeClock(),
    log: new MemoryLog(),
  });
  const request = { token: "t", public_key: "k", hostname: "h" };
  await assert.rejects(
    client.register("t", request, new AbortController().signal),
    (error) =>
      error instanceof ControlError && error.kind === "unsupported" &&
      error.message.endsWith("set api.dialect to 2"),
  );
});
