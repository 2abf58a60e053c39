import assert from "node:assert/strict";
import { unknownVariables } from "../../src/config/unknown_variables.ts";

Deno.test("unknownVariables() names what looks like a setting's variable", () => {
  assert.deepEqual(unknownVariables({ PLEXD_LOG_LEVLE: "x" }), [{
    where: "PLEXD_LOG_LEVLE",
    what: 'has no effect; did you mean "PLEXD_LOG_LEVEL"?',
  }]);
});

for (
  const name of ["PLEXD_API", "PLEXD_CONFIG", "PLEXD_BIN", "PATH", "PLEXD_X"]
) {
  Deno.test(`unknownVariables() leaves ${name} alone`, () => {
    assert.deepEqual(unknownVariables({ [name]: "x" }), []);
  });
}
