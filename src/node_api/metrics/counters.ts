import {
  Histogram,
  type MetricFamily,
  type Sample,
} from "../../wire/prometheus.ts";

/**
 * Counts by one label, whose values must come from a small fixed set: each
 * value is a series of its own for ever, so never a key, a path or an error.
 */
export class Counts {
  readonly #name: string;
  readonly #help: string;
  readonly #label: string;
  readonly #counts: Map<string, number>;

  /**
   * @param name With the suffix `_total`.
   * @param values Those that are shown before they were counted, as 0.
   */
  constructor(
    name: string,
    help: string,
    label: string,
    values: readonly string[] = [],
  ) {
    this.#name = name;
    this.#help = help;
    this.#label = label;
    this.#counts = new Map(values.map((value) => [value, 0]));
  }

  add(value: string, by = 1): void {
    this.#counts.set(value, (this.#counts.get(value) ?? 0) + by);
  }

  get family(): MetricFamily {
    return {
      name: this.#name,
      help: this.#help,
      type: "counter",
      samples: [...this.#counts].map(([value, count]) => ({
        labels: { [this.#label]: value },
        value: count,
      })),
    };
  }
}

/** How long things take, by one label with a small fixed set of values. */
export class Durations {
  readonly #name: string;
  readonly #help: string;
  readonly #label: string;
  readonly #bounds: readonly number[];
  readonly #times = new Map<string, Histogram>();

  /**
   * @param name With the suffix `_seconds`.
   * @param bounds In seconds, ascending.
   */
  constructor(
    name: string,
    help: string,
    label: string,
    bounds: readonly number[],
  ) {
    this.#name = name;
    this.#help = help;
    this.#label = label;
    this.#bounds = bounds;
  }

  add(value: string, seconds: number): void {
    let times = this.#times.get(value);
    if (!times) this.#times.set(value, times = new Histogram(this.#bounds));
    times.add(seconds);
  }

  get family(): MetricFamily {
    const samples = [...this.#times].flatMap(([value, times]): Sample[] =>
      times.samples({ [this.#label]: value })
    );
    return {
      name: this.#name,
      help: this.#help,
      type: "histogram",
      samples,
    };
  }
}
