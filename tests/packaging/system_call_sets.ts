import assert from "node:assert/strict";
import { runTool } from "./systemd_tools.ts";

/** The calls that `SystemCallFilter=` lines leave, in the order of the lines. */
export async function allowedCalls(
  filters: readonly string[],
): Promise<ReadonlySet<string>> {
  const allowed = new Set<string>(await membersOf("@default"));
  for (const filter of filters) {
    const isDenied = filter.startsWith("~");
    for (const name of filter.replace("~", "").split(" ")) {
      for (const call of await membersOf(name)) {
        if (isDenied) allowed.delete(call);
        else allowed.add(call);
      }
    }
  }
  return allowed;
}

const known = new Map<string, readonly string[]>();

/** The calls that a name stands for: itself, or those of a set of systemd. */
async function membersOf(name: string): Promise<readonly string[]> {
  if (!name.startsWith("@")) return [name];
  const found = known.get(name);
  if (found) return found;
  const { code, stdout } = await runTool(
    "systemd-analyze",
    "syscall-filter",
    "--no-pager",
    name,
  );
  assert.equal(code, 0, name);
  const lines = stdout.split("\n").slice(1).map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  const members: string[] = [];
  for (const line of lines) members.push(...await membersOf(line));
  known.set(name, members);
  return members;
}
