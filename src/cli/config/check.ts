import { controlPlanesIn } from "../../agent/open_uplink.ts";
import { openTransport } from "../../agent/open_transport.ts";
import { ConfigError, type ConfigProblem } from "../../config/config_error.ts";
import type { InspectedConfig } from "../../config/load_config.ts";
import { isSetting } from "../../config/resolve_name.ts";
import type { Config } from "../../config/settings.ts";
import { unknownVariables } from "../../config/unknown_variables.ts";
import { systemClock } from "../../platform/clock.ts";
import { createLogger } from "../../platform/log.ts";
import { EXIT, type Invocation } from "../command.ts";
import { counted } from "../output/counted.ts";
import { paint, type Screen } from "../output/screen.ts";
import { show } from "../output/show.ts";
import { plain } from "../output/text_width.ts";
import { placeLines, placesOf } from "./effective.ts";

/**
 * `plexd config check [FILE]`: all that is wrong with a configuration, as the
 * start of the agent would say it.
 *
 * @returns 78 when something is wrong; warnings are no failure.
 */
export async function configCheck(invocation: Invocation): Promise<number> {
  const inspected = await invocation.inspectedConfig(invocation.args[0]);
  const { config, path, hasFile } = inspected;
  const warnings = [
    ...inspected.warnings,
    ...unknownVariables(Deno.env.toObject()),
  ];
  const errors = config
    ? await problemsAtStart(config, inspected.origins, warnings)
    : inspected.problems;
  const isGood = errors.length === 0;
  const places = config ? placesOf(config) : undefined;
  await show(invocation, {
    json: JSON.stringify({
      ok: isGood,
      file: hasFile ? path : null,
      ...places,
      errors,
      warnings,
    }),
    table: (screen) =>
      [
        ...errors.map((one) => lineOf(screen, "error", one)),
        ...warnings.map((one) => lineOf(screen, "warning", one)),
        verdict(path, hasFile, errors.length, warnings.length),
        ...(places ? ["", ...placeLines(places)] : []),
      ].join("\n"),
  });
  return isGood ? EXIT.fine : EXIT.badConfiguration;
}

/** What only the use of a setting shows: addresses, certificates, proxies. */
async function problemsAtStart(
  config: Config,
  origins: InspectedConfig["origins"],
  warnings: ConfigProblem[],
): Promise<ConfigProblem[]> {
  const placed = ({ where, what }: ConfigProblem): ConfigProblem => {
    const place = isSetting(where) ? origins.get(where)?.where : undefined;
    return place === undefined
      ? { where, what }
      : { where: place, what: `${where}: ${what}` };
  };
  const log = createLogger({
    clock: systemClock,
    level: "warn",
    format: ({ message, fields }) =>
      JSON.stringify({ where: String(fields["setting"]), what: message }),
    write: (line) => warnings.push(placed(JSON.parse(line))),
  });
  const problems: ConfigProblem[] = [];
  for (
    const use of [
      () => Promise.resolve(controlPlanesIn(config)),
      () => openTransport(config, log),
    ]
  ) {
    try {
      await use();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems.map(placed));
    }
  }
  return problems;
}

/** As compilers write it, so that editors can go there. */
function lineOf(
  screen: Screen,
  kind: "error" | "warning",
  { where, what }: ConfigProblem,
): string {
  const colour = kind === "error" ? "red" : "yellow";
  return `${plain(where)}: ${paint(screen, colour, kind)}: ${plain(what)}`;
}

function verdict(
  path: string,
  hasFile: boolean,
  errors: number,
  warnings: number,
): string {
  const file = hasFile ? path : `${path} (there is none)`;
  const parts = [
    ...(errors > 0 ? [counted(errors, "error")] : ["can be used"]),
    ...(warnings > 0 ? [counted(warnings, "warning")] : []),
  ];
  return `${plain(file)}: ${parts.join(", ")}`;
}
