/** One thing that is wrong with the configuration. */
export interface ConfigProblem {
  /** Where it stands: `file:line:column`, a variable or a flag. */
  readonly where: string;
  readonly what: string;
}

/** The configuration cannot be used. Names everything that is wrong, at once. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";

  constructor(readonly problems: readonly ConfigProblem[]) {
    super(problems.map(({ where, what }) => `${where}: ${what}`).join("\n"));
  }
}
