import { EXIT, type Invocation } from "./command.ts";
import { show } from "./output/show.ts";
import { versionFacts, versionText } from "./version.ts";

/** `plexd version`: what `plexd --version` prints, in any form. */
export async function version(invocation: Invocation): Promise<number> {
  await show(invocation, {
    json: JSON.stringify(versionFacts()),
    table: versionText,
  });
  return EXIT.fine;
}
