/** What lies behind an output stream. */
export interface Screen {
  /** Characters of a line; absent when no terminal reads it. */
  readonly columns?: number;
  /** Whether it understands moves and erasing. */
  readonly steerable: boolean;
  readonly colour: boolean;
}

/** What is piped or kept: nothing is cut, nothing is coloured. */
export const NO_SCREEN: Screen = { steerable: false, colour: false };

/** A terminal that does not tell its width, as a serial line. */
const USUAL_COLUMNS = 80;

/** What {@linkcode screenOf} asks; a test gives its own. */
export interface Surroundings {
  readonly env: (name: string) => string | undefined;
  /** @throws where the size is not known. */
  readonly columns: () => number;
}

const SYSTEM: Surroundings = {
  env: (name) => Deno.env.get(name),
  columns: () => Deno.consoleSize().columns,
};

/**
 * The screen behind standard output or standard error. Colour only on a
 * terminal, and never with `NO_COLOR` (not empty) or `TERM=dumb`.
 *
 * @see https://no-color.org
 */
export function screenOf(
  stream: { isTerminal(): boolean },
  { env, columns }: Surroundings = SYSTEM,
): Screen {
  if (!stream.isTerminal()) return NO_SCREEN;
  const steerable = env("TERM") !== "dumb";
  return {
    columns: columnsOr(USUAL_COLUMNS, columns),
    steerable,
    colour: steerable && !env("NO_COLOR"),
  };
}

function columnsOr(usual: number, ask: () => number): number {
  try {
    return ask() || usual;
  } catch {
    return usual;
  }
}

const COLOURS = {
  bold: "1",
  dim: "2",
  red: "31",
  green: "32",
  yellow: "33",
} as const;

/** By what it says, not by where it stands: red needs a person. */
export type Colour = keyof typeof COLOURS;

/** The text in a colour, where the screen has any. */
export function paint(screen: Screen, colour: Colour, text: string): string {
  return screen.colour ? `\x1b[${COLOURS[colour]}m${text}\x1b[0m` : text;
}
