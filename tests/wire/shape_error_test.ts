import assert from "node:assert/strict";
import * as z from "zod/mini";
import {
  heartbeatResponseSchema,
  registerResponseSchema,
} from "../../src/wire/bodies.ts";
import {
  checkShape,
  parseShape,
  ShapeError,
} from "../../src/wire/shape_error.ts";

const schema = z.object({
  name: z.string(),
  list: z.array(z.object({ n: z.int().check(z.nonnegative()) })),
});

const cases = [
  { text: "{", message: "Invalid thing: not JSON" },
  { text: "7", message: "Invalid thing: the document: expected object" },
  { text: '{"list":[]}', message: "Invalid thing: name: expected string" },
  {
    text: '{"name":"x","list":[{"n":1},{"n":-1}]}',
    message: "Invalid thing: list.1.n: too small",
  },
];
for (const { text, message } of cases) {
  Deno.test(`parseShape() says what is wrong with ${text}`, () => {
    assert.throws(
      () => parseShape("thing", schema, text),
      (error) => error instanceof ShapeError && error.message === message,
    );
  });
}

Deno.test("parseShape() does not repeat text that it could not decode", () => {
  assert.throws(
    () => parseShape("thing", schema, "hunter2"),
    (error: Error) => !`${error.message}${error.cause}`.includes("hunter2"),
  );
});

Deno.test("checkShape() drops members that the schema does not name", () => {
  const value = { name: "x", list: [], more: 1 };
  assert.deepEqual(checkShape("thing", schema, value), { name: "x", list: [] });
});

Deno.test("heartbeatResponseSchema takes an absent hint as false", () => {
  assert.deepEqual(parseShape("answer", heartbeatResponseSchema, "{}"), {
    reconcile: false,
    rotate_keys: false,
  });
});

Deno.test("registerResponseSchema refuses an answer with an empty member", () => {
  const answer = {
    node_id: "n",
    mesh_ip: "10.0.0.1",
    signing_public_key: "k",
    node_secret_key: "",
  };
  assert.throws(
    () => checkShape("answer", registerResponseSchema, answer),
    /node_secret_key: too small/,
  );
});

Deno.test("checkShape() refuses a document in which very much is wrong as any other", () => {
  const list = Array.from({ length: 300_000 }, () => ({}));
  assert.throws(() => checkShape("thing", schema, { name: "a", list }), {
    name: "ShapeError",
    message: "Invalid thing: too much of it is wrong",
  });
});
