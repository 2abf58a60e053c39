import { FLAGS, variableOf } from "../../config/load_config.ts";
import { NAMES } from "../../config/resolve_name.ts";
import { ALIASES, type SettingName, SETTINGS } from "../../config/settings.ts";
import {
  bold,
  italic,
  page,
  type PageHead,
  tagged,
  text,
  verbatim,
} from "./roff.ts";

/** plexd-config(5): every setting, from the table that reads them. */
export function configPage(
  release: Pick<PageHead, "version" | "date">,
): string {
  return page(
    {
      ...release,
      name: "plexd-config",
      section: 5,
      summary: "configuration of plexd",
    },
    [
      ".SH SYNOPSIS",
      italic("/etc/plexd/config.yaml"),
      ".SH DESCRIPTION",
      "A YAML file of names and values. A dot in a name is a level in the file:",
      ".PP",
      ...verbatim([
        "api:",
        "  base_url: https://api.example.com",
        "reconcile:",
        "  interval: 60s",
      ]),
      ".PP",
      "Every setting can also be given as an environment variable, some as a",
      "flag. A flag wins over the environment, that over the file, that over the",
      "default. Unknown names and wrong values stop the start, each with its line",
      "and column;",
      `${bold("plexd config check")} names them all beforehand, and`,
      `${bold("plexd config show")} tells where each value comes from.`,
      ".PP",
      `Durations are written like ${bold("10s")}, ${bold("1m30s")} or ${
        bold("250ms")
      }, sizes like ${bold("4MiB")}.`,
      ".SH SETTINGS",
      ...NAMES.flatMap(settingLines),
      ".SH OLD SPELLINGS",
      "They are read, with a warning.",
      ...Object.entries(ALIASES).flatMap(([alias, name]) =>
        tagged(bold(alias), bold(name))
      ),
      ".SH FILES",
      ...tagged(
        italic("/etc/plexd/config.yaml"),
        `The file, unless ${bold("--config")} or ${
          bold("PLEXD_CONFIG")
        } names another.`,
      ),
      ".SH SEE ALSO",
      ".BR plexd (1)",
    ],
  );
}

function settingLines(name: SettingName): string[] {
  const { doc, form, defaultText } = SETTINGS[name];
  const flag = FLAGS[name];
  const elsewhere = [variableOf(name), ...(flag ? [flag] : [])].map(bold);
  return tagged(
    `${bold(name)} (${text(form)})`,
    `${text(doc)}.`,
    ...(defaultText === undefined
      ? []
      : [`Default: ${defaultText === "" ? "none" : bold(defaultText)}.`]),
    `Also ${elsewhere.join(", ")}.`,
  );
}
