import assert from "node:assert/strict";
import { runTool } from "./cli/tool.ts";

/**
 * Runs a program in a process of its own, where it can call `gc()` and so see
 * what its memory really holds. It imports from the root of the repository.
 *
 * @returns what it has printed.
 */
export async function evalWithGc(program: string): Promise<string> {
  const args = ["eval", "--v8-flags=--expose-gc", program];
  const { code, stdout, stderr } = await runTool(Deno.execPath(), args);
  assert.equal(code, 0, stderr);
  return stdout;
}
