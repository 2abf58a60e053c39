import assert from "node:assert/strict";

/** What a tool of systemd said, and how it ended. */
export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a tool of systemd: it looks at files, and no manager need run. */
export async function runTool(
  program: string,
  ...args: string[]
): Promise<Said> {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    env: { NO_COLOR: "1", SYSTEMD_PAGER: "cat", SYSTEMD_COLORS: "0" },
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

/** Whether the tools are there; where CI is "true" they have to be. */
export async function hasSystemd(): Promise<boolean> {
  try {
    await runTool("systemd-analyze", "--version");
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    const why = "systemd-analyze is not installed (Debian package systemd)";
    assert.notEqual(Deno.env.get("CI"), "true", why);
    // deno-lint-ignore no-console
    console.log(`left out: ${why}`);
    return false;
  }
}
