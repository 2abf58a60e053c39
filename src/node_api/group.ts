/**
 * The number of a group in a file of the form of /etc/group.
 *
 * @returns undefined when there is no such group, or no such file.
 */
export function findGroup(name: string, file: string): number | undefined {
  let text: string;
  try {
    text = Deno.readTextFileSync(file);
  } catch {
    return undefined;
  }
  for (const line of text.split("\n")) {
    const [group, , gid] = line.split(":");
    if (group === name && gid !== undefined && /^[0-9]+$/.test(gid)) {
      return Number(gid);
    }
  }
  return undefined;
}
