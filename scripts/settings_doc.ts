/**
 * Writes `docs/configuration.md` from the table of settings, so that the two
 * cannot differ: `deno run -A scripts/settings_doc.ts > docs/configuration.md`
 */
import { FLAGS, variableOf } from "../src/config/load_config.ts";
import { type SettingName, SETTINGS } from "../src/config/settings.ts";
import { print } from "./bench/print.ts";

const INTRODUCTION = `# Configuration

The agent reads \`/etc/plexd/config.yaml\` (or \`--config FILE\`, or the file that
\`PLEXD_CONFIG\` names). Every setting can also be given as an environment
variable. A flag wins over the environment, that over the file, that over the
default. A dot in a name is a level in the file:

\`\`\`yaml
api:
  base_url: https://api.example.com
reconcile:
  interval: 60s
\`\`\`

Unknown names and wrong values stop the start, each with its line and column.
\`plexd config check\` names them all beforehand, \`plexd config show\` tells where
each value comes from, and plexd-config(5) is this page as a manual.
Durations are written like \`10s\`, \`1m30s\` or \`250ms\`.
`;

/** The whole document. */
export function settingsDocument(): string {
  const rows = (Object.keys(SETTINGS) as SettingName[]).map((name) => {
    const { doc, form, defaultText } = SETTINGS[name];
    const flag = FLAGS[name];
    return [
      `\`${name}\``,
      `${doc} (${form.replaceAll("|", "\\|")})`,
      defaultText === undefined ? "–" : `\`${defaultText}\``,
      `\`${variableOf(name)}\`${flag ? `, \`${flag}\`` : ""}`,
    ];
  });
  const table = [["Setting", "Meaning", "Default", "Elsewhere"], [
    "---",
    "---",
    "---",
    "---",
  ], ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  return `${INTRODUCTION}\n${table.join("\n")}\n`;
}

if (import.meta.main) print(settingsDocument().trimEnd());
