/** Where every Linux has it; a name alone would be looked up in `PATH`. */
const CAT = "/bin/cat";

/**
 * Reads a file of `/proc`. The compiled program may never open one, as the
 * runtime wants every permission for that, native libraries included; a process
 * of the same session may.
 *
 * @throws {Error} when it cannot be read.
 */
export function readProc(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
  }
  const { success, stdout } = new Deno.Command(CAT, {
    args: [path],
    clearEnv: true,
    stdin: "null",
    stderr: "null",
  }).outputSync();
  if (!success) throw new Error(`${path} cannot be read`);
  return new TextDecoder().decode(stdout);
}
