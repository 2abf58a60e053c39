import assert from "node:assert/strict";
import { BuildError } from "../../scripts/build/build_error.ts";
import { targetOf } from "../../scripts/build/target.ts";

Deno.test("targets go by the names that people know", () => {
  for (const name of ["x86_64", "amd64"]) {
    assert.equal(targetOf(name).triple, "x86_64-unknown-linux-gnu");
  }
  for (const name of ["arm64", "aarch64"]) {
    assert.equal(targetOf(name).triple, "aarch64-unknown-linux-gnu");
  }
});

Deno.test("another target is refused with those that there are", () => {
  assert.throws(
    () => targetOf("riscv64"),
    (error) =>
      error instanceof BuildError && /x86_64 or arm64/.test(error.hint),
  );
});
