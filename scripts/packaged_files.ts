/**
 * Prints src/host/packaged_files.ts: the files below packaging/ that the
 * program carries, since it has to install itself without an archive.
 *
 *     deno run -A scripts/packaged_files.ts | deno fmt - > src/host/packaged_files.ts
 */

/** What is installed; the drop-ins are for people. */
const CARRIED = [
  "systemd/plexd.service",
  "systemd/plexd@.service",
  "sysusers.d/plexd.conf",
  "tmpfiles.d/plexd.conf",
];

/** The text of the module. */
export function packagedFiles(): string {
  const folder = new URL("../packaging/", import.meta.url);
  const entries = CARRIED.map((path) => {
    const lines = Deno.readTextFileSync(new URL(path, folder)).split("\n");
    const items = lines.map((line) => `    ${JSON.stringify(line)},\n`);
    return `  ${JSON.stringify(path)}: [\n${items.join("")}  ].join("\\n"),\n`;
  });
  return [
    "// Made by scripts/packaged_files.ts from the files below packaging/.\n\n",
    "/** Contents of the files that belong to the program, by their path. */\n",
    "export const PACKAGED_FILES: Readonly<Record<string, string>> = {\n",
    ...entries,
    "};\n",
  ].join("");
}

if (import.meta.main) {
  await Deno.stdout.write(new TextEncoder().encode(packagedFiles()));
}
