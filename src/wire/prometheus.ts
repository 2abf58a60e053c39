/** One number and what it is about. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
  /** What comes after the family's name, such as `_bucket`. */
  readonly suffix?: string;
}

/** Numbers of one kind. */
export interface MetricFamily {
  /** With its unit, such as `plexd_start_time_seconds`. */
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly samples: readonly Sample[];
}

/** Media type of {@linkcode metricsText}. */
export const METRICS_MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Metrics in the text form that Prometheus reads. */
export function metricsText(families: readonly MetricFamily[]): string {
  return families.map(({ name, help, type, samples }) =>
    [
      `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}`,
      `# TYPE ${name} ${type}`,
      ...samples.map(({ labels = {}, value, suffix = "" }) =>
        `${name}${suffix}${labelsText(labels)} ${value}`
      ),
    ].join("\n") + "\n"
  ).join("");
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) =>
    `${name}="${
      value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')
        .replaceAll("\n", "\\n")
    }"`
  );
  return pairs.length === 0 ? "" : `{${pairs}}`;
}

/** Counts how long things take, for a family of the type "histogram". */
export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;
  #count = 0;

  /** @param bounds In seconds, ascending. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  /** Nothing was added yet. */
  get isEmpty(): boolean {
    return this.#count === 0;
  }

  add(seconds: number): void {
    this.#sum += seconds;
    this.#count++;
    const at = this.#bounds.findIndex((bound) => seconds <= bound);
    if (at >= 0) this.#counts[at]!++;
  }

  samples(labels: Readonly<Record<string, string>>): Sample[] {
    let below = 0;
    const buckets = this.#bounds.map((bound, at) => {
      below += this.#counts[at]!;
      return bucket(labels, String(bound), below);
    });
    return [
      ...buckets,
      bucket(labels, "+Inf", this.#count),
      { suffix: "_sum", labels, value: this.#sum },
      { suffix: "_count", labels, value: this.#count },
    ];
  }
}

function bucket(
  labels: Readonly<Record<string, string>>,
  le: string,
  value: number,
): Sample {
  return { suffix: "_bucket", labels: { ...labels, le }, value };
}
