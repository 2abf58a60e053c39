import { PACKAGED_FILES } from "../../host/packaged_files.ts";
import type { Invocation } from "../command.ts";
import { COMPLETIONS } from "../completion/command.ts";
import { configPage } from "../manual/config_page.ts";
import { plexdPage } from "../manual/plexd_page.ts";

/**
 * What a program without its archive brings along, by its path in a release:
 * units, manual pages and completions.
 */
export function carriedFiles(
  { table, version }: Pick<Invocation, "table" | "version">,
): Readonly<Record<string, string>> {
  return {
    ...PACKAGED_FILES,
    "man/plexd.1": plexdPage(table, { version }),
    "man/plexd-config.5": configPage({ version }),
    "completions/plexd.bash": COMPLETIONS["bash"]!(table),
    "completions/_plexd": COMPLETIONS["zsh"]!(table),
    "completions/plexd.fish": COMPLETIONS["fish"]!(table),
  };
}
