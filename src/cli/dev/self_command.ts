import { fileURLToPath } from "node:url";

/** The words that start this same program again, before its own arguments. */
export function selfCommand(): readonly [program: string, ...args: string[]] {
  const program = Deno.execPath();
  if (Deno.build.standalone) return [program];
  return [program, "run", "-A", "--no-prompt", fileURLToPath(Deno.mainModule)];
}
