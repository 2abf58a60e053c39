import assert from "node:assert/strict";
import { registrationDialect } from "../../src/sync/registration_dialect.ts";

const TOKEN_1 = "plx_enroll_a8f3c7";
const TOKEN_2 = "psb_prod_abc234_node_abcdefghijklmnopqrst";
const resource = {
  projectId: "0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a2",
  resourceHandle: "node-3",
};

const cases = [
  { wanted: "auto", token: TOKEN_1, resource, dialect: 1 },
  { wanted: "auto", token: TOKEN_1, resource: undefined, dialect: 1 },
  { wanted: "auto", token: TOKEN_2, resource: undefined, dialect: 1 },
  { wanted: "auto", token: TOKEN_2, resource, dialect: 2 },
  { wanted: 1, token: TOKEN_2, resource, dialect: 1 },
  { wanted: 2, token: TOKEN_1, resource, dialect: 2 },
] as const;

for (const { wanted, token, resource, dialect } of cases) {
  const asWhat = resource ? "with" : "without";
  Deno.test(`registrationDialect() is ${dialect} for ${wanted}, ${token} ${asWhat} a resource`, () => {
    assert.equal(registrationDialect(wanted, token, resource), dialect);
  });
}
