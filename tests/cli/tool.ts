/** Whether a program is there to test with. */
export function hasTool(name: string): boolean {
  const path = Deno.env.get("PATH") ?? "";
  return path.split(":").some((folder) => {
    try {
      return Deno.statSync(`${folder}/${name}`).isFile;
    } catch {
      return false;
    }
  });
}

/** For the name of a test that is left out where a program is missing. */
export function reasonWithout(...names: readonly string[]): string {
  const missing = names.filter((name) => !hasTool(name));
  return missing.length === 0 ? "" : ` (left out: no ${missing.join(", ")})`;
}

/** What a program wrote and how it ended. */
export async function runTool(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(name, {
    args: [...args],
    env: { LC_ALL: "C.UTF-8", ...env },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}
