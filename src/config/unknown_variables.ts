import type { ConfigProblem } from "./config_error.ts";
import { variableOf } from "./load_config.ts";
import { nearest } from "./nearest.ts";
import { NAMES } from "./resolve_name.ts";
import { ENV_ALIASES } from "./settings.ts";

const PREFIX = "PLEXD_";

/** Of this and of the public agent, beside those of settings. */
const OTHERS = [
  "PLEXD_CONFIG",
  "PLEXD_BOOTSTRAP_TOKEN",
  "PLEXD_MODE",
  "PLEXD_SESSION",
];

/**
 * Variables that look like one of a setting, and are none: nobody else would
 * say so, as they may belong to another program.
 */
export function unknownVariables(
  env: Readonly<Record<string, string>>,
): ConfigProblem[] {
  const known = [
    ...NAMES.map(variableOf),
    ...Object.values(ENV_ALIASES),
    ...OTHERS,
  ];
  const bare = known.map((name) => name.slice(PREFIX.length));
  return Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && !known.includes(name))
    .flatMap((name) => {
      const near = nearest(name.slice(PREFIX.length), bare);
      if (near === undefined) return [];
      return [{
        where: name,
        what: `has no effect; did you mean "${PREFIX}${near}"?`,
      }];
    });
}
