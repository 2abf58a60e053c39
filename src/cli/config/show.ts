import { basename } from "node:path";
import { ConfigError } from "../../config/config_error.ts";
import { EXIT, type Invocation } from "../command.ts";
import { show } from "../output/show.ts";
import { type Cell, table } from "../output/table.ts";
import {
  type EffectiveSetting,
  effectiveSettings,
  placeLines,
  placesOf,
} from "./effective.ts";

/** `plexd config show`: every setting as it holds, and who says so. */
export async function configShow(invocation: Invocation): Promise<number> {
  const { config, origins, problems, path, hasFile } = await invocation
    .inspectedConfig();
  if (!config) throw new ConfigError(problems);
  const isChangedOnly = invocation.flags["--changed"] === true;
  const settings = effectiveSettings(config, origins)
    .filter(({ from }) => !isChangedOnly || from !== "default");
  const places = placesOf(config);
  await show(invocation, {
    json: JSON.stringify({
      file: hasFile ? path : null,
      ...places,
      settings,
    }),
    table: (screen) =>
      [
        `File         ${path}${hasFile ? "" : " (there is none)"}`,
        ...placeLines(places),
        "",
        table(screen, ["SETTING", "VALUE", "FROM"], settings.map(rowOf)),
      ].join("\n"),
  });
  return EXIT.fine;
}

/** The file is named above: its place in the folders would fill the line. */
function rowOf({ name, value, from, where }: EffectiveSetting): Cell[] {
  const text = value === null || value === ""
    ? "-"
    : typeof value === "string"
    ? value
    : JSON.stringify(value);
  return [
    name,
    text,
    where === null
      ? { text: "default", colour: "dim" }
      : from === "file"
      ? basename(where)
      : where,
  ];
}
