import { join } from "node:path";

/** Where servers are installed, though a user's path need not name it. */
const SERVERS = "/usr/sbin";

/** Path of an installed program; undefined where there is none. */
export function findProgram(name: string): string | undefined {
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  return [...folders, SERVERS]
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        return Deno.statSync(path).isFile;
      } catch {
        return false;
      }
    });
}
