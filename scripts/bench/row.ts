/** One measured figure beside the floor that was measured in the same run. */
export interface Row {
  /** Names the row for `--only` and in JSON. */
  readonly name: string;
  /** Says for a reader what was measured. */
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** The same quantity without plexd; null where there is none to compare. */
  readonly floor: number | null;
  /** `value / floor`; null without a floor. */
  readonly ratio: number | null;
  /** What should hold, such as `>= 0.85`; empty without a goal. */
  readonly goal: string;
  /** Null without a goal. */
  readonly met: boolean | null;
}

/** What is measured, and what should come out. */
export interface Subject {
  readonly name: string;
  readonly what: string;
  readonly unit: string;
  /** None for a row that only explains another one. */
  readonly goal?: Goal;
}

/** A bound for the ratio, or for the value of a row without a floor. */
export interface Goal {
  readonly relation: ">=" | "<=";
  readonly bound: number;
  /** Said beside the bound. */
  readonly note?: string;
}

/** A figure and its floor, in the same unit. */
export interface Measured {
  readonly value: number;
  readonly floor: number | null;
}

export function makeRow(subject: Subject, measured: Measured): Row {
  const { name, what, unit, goal } = subject;
  const { value, floor } = measured;
  const ratio = floor === null ? null : value / floor;
  return {
    name,
    what,
    value,
    unit,
    floor,
    ratio,
    goal: goal ? goalText(goal) : "",
    met: goal ? isMet(goal, ratio ?? value) : null,
  };
}

function goalText({ relation, bound, note }: Goal): string {
  return `${relation} ${bound}` + (note === undefined ? "" : ` (${note})`);
}

/** NaN, which is what a failed measurement leaves, meets no goal. */
function isMet({ relation, bound }: Goal, compared: number): boolean {
  return relation === ">=" ? compared >= bound : compared <= bound;
}

/**
 * The rows that a name stands for: the one that has it, or else those whose
 * names go on after it; all of them without a name.
 */
export function namesFor(
  only: string | undefined,
  names: readonly string[],
): readonly string[] {
  if (only === undefined) return names;
  if (names.includes(only)) return [only];
  return names.filter((name) => name.startsWith(`${only}-`));
}

/** The middle value; of an even number of values the lower of the two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1] ?? NaN;
}

/** The value below which the given part of all values lies. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = Math.ceil(sorted.length * part) - 1;
  return sorted[Math.max(0, at)] ?? NaN;
}

/** Runs figure and floor in turns, and keeps the median of each. */
export async function inTurns(
  rounds: number,
  figure: () => Promise<number>,
  floor: () => Promise<number>,
): Promise<{ readonly value: number; readonly floor: number }> {
  return mediansOf(await takeTurns(rounds, figure, floor), (value) => value);
}

/** What came out of figure and floor, in the order of the rounds. */
export interface Turns<Result> {
  readonly figures: readonly Result[];
  readonly floors: readonly Result[];
}

/** The median of one quantity, of the figure and of its floor. */
export function mediansOf<Result>(
  { figures, floors }: Turns<Result>,
  quantity: (result: Result) => number,
): { readonly value: number; readonly floor: number } {
  return {
    value: median(figures.map(quantity)),
    floor: median(floors.map(quantity)),
  };
}

/** Runs figure and floor in turns, so that both see the same noise. */
export async function takeTurns<Result>(
  rounds: number,
  figure: () => Promise<Result>,
  floor: () => Promise<Result>,
): Promise<Turns<Result>> {
  const figures: Result[] = [];
  const floors: Result[] = [];
  for (let round = 0; round < rounds; round++) {
    floors.push(await floor());
    figures.push(await figure());
  }
  return { figures, floors };
}
