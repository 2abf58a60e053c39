/** One measured figure beside the floor that was measured in the same run. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The same quantity without plexd. */
  readonly floor: number;
  /** `value / floor`. */
  readonly ratio: number;
  /** What the ratio should be, such as `>= 0.85`; empty without a goal. */
  readonly goal: string;
  readonly met: boolean | null;
}

/** A goal for the ratio. */
export interface Goal {
  readonly relation: ">=" | "<=";
  readonly ratio: number;
}

export function makeRow(
  name: string,
  unit: string,
  value: number,
  floor: number,
  goal?: Goal,
): Row {
  const ratio = value / floor;
  const met = goal === undefined
    ? null
    : goal.relation === ">="
    ? ratio >= goal.ratio
    : ratio <= goal.ratio;
  const goalText = goal ? `${goal.relation} ${goal.ratio}` : "";
  return { name, value, unit, floor, ratio, goal: goalText, met };
}

/** The middle value; of an even number of values the lower of the two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1] ?? NaN;
}

/** Runs figure and floor in turns, so that both see the same noise. */
export async function inTurns(
  rounds: number,
  figure: () => Promise<number>,
  floor: () => Promise<number>,
): Promise<{ value: number; floor: number }> {
  const values: number[] = [];
  const floors: number[] = [];
  for (let round = 0; round < rounds; round++) {
    floors.push(await floor());
    values.push(await figure());
  }
  return { value: median(values), floor: median(floors) };
}
