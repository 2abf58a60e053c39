import type { BaseRuntime } from "./base_runtime.ts";
import { needTool } from "./run_tool.ts";
import type { Target } from "./target.ts";

/**
 * What the program may do, for good: no FFI, no code from elsewhere, and no
 * questions. Most commands give up starting programs as well when they start.
 */
const PERMISSIONS = [
  "--allow-read",
  "--allow-write",
  "--allow-net",
  "--allow-env",
  "--allow-sys",
  "--allow-run",
  "--deny-ffi",
  "--deny-import",
  "--no-prompt",
];

/**
 * Turns a bundle into a program.
 *
 * @param folder Of the bundle. Its name becomes part of the program.
 * @param output Path of the program, whose name does, too.
 */
export async function compileBinary(
  folder: string,
  output: string,
  { compiler, env }: BaseRuntime,
  target: Target,
): Promise<void> {
  await needTool(compiler, [
    "compile",
    "--quiet",
    "--no-check",
    "--no-config",
    // The cache would lie in a predictable place that any user may own.
    "--no-code-cache",
    ...PERMISSIONS,
    // Datagrams, for the notifications of a service manager.
    "--unstable-net",
    `--target=${target.triple}`,
    `--output=${output}`,
    "main.js",
  ], { cwd: folder, env });
}
