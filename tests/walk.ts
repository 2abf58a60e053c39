/** Paths below `root` of all files that end in `suffix`, sorted. */
export function walkSync(root: URL, suffix: string): string[] {
  const found: string[] = [];
  const visit = (folder: string) => {
    for (const entry of Deno.readDirSync(new URL(folder, root))) {
      const path = folder + entry.name;
      if (entry.isDirectory) visit(`${path}/`);
      else if (path.endsWith(suffix)) found.push(path);
    }
  };
  visit("./");
  return found.map((path) => path.slice(2)).sort();
}
