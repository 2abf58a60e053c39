const packaging = new URL("../../packaging/", import.meta.url);

/** The text of a file that is packaged. */
export function packaged(path: string): string {
  return Deno.readTextFileSync(new URL(path, packaging));
}

/** Its settings: lines that are neither blank nor comments, with their section. */
export function settingsIn(text: string): readonly string[] {
  let section = "";
  return text.split("\n").flatMap((line) => {
    if (line === "" || line.startsWith("#")) return [];
    if (line.startsWith("[")) {
      section = line;
      return [];
    }
    return [`${section} ${line}`];
  });
}

/** The same file with what its comments offer switched on. */
export function withOffers(text: string): string {
  return text.replace(/^#(?=[A-Z][A-Za-z]+=)/gm, "");
}
