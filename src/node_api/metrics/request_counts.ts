import type { Clock } from "../../platform/clock.ts";
import { Histogram, type MetricFamily } from "../../wire/prometheus.ts";

/**
 * Of reads, one in so many is timed: a read takes a few microseconds, and
 * asking the clock twice would be a good part of that. Writes are all timed.
 */
export const READS_PER_TIMING = 16;

/** From what memory answers to what waits for the control plane, in seconds. */
const BOUNDS = [
  0.0001,
  0.00025,
  0.0005,
  0.001,
  0.0025,
  0.005,
  0.01,
  0.025,
  0.05,
  0.1,
  0.25,
  0.5,
  1,
  2.5,
  10,
];

/** Methods with a name of their own; a peer may send any other word. */
const METHODS: ReadonlySet<string> = new Set([
  "DELETE",
  "GET",
  "HEAD",
  "OPTIONS",
  "PATCH",
  "POST",
  "PUT",
]);

/** The route of requests that meet none: their paths have no bound. */
const NO_ROUTE = "none";

/** What becomes of the requests of one method at one route. */
export class CallCounts {
  /** By the first digit of the status. */
  readonly #classes: number[] = [0, 0, 0, 0, 0, 0];
  readonly times = new Histogram(BOUNDS);
  readonly #clock: Clock;
  readonly #every: number;
  #untimed = 0;
  #inFlight = 0;

  constructor(
    readonly route: string,
    readonly method: string,
    clock: Clock,
  ) {
    this.#clock = clock;
    const isRead = method === "GET" || method === "HEAD";
    this.#every = isRead ? READS_PER_TIMING : 1;
  }

  /** Answers that are not there yet. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Status classes that have been answered; none yet shows as 2xx. */
  get classes(): readonly (readonly [name: string, count: number])[] {
    const classes = this.#classes.flatMap((count, digit) =>
      count > 0 ? [[`${digit}xx`, count] as const] : []
    );
    return classes.length > 0 ? classes : [["2xx", 0]];
  }

  /** @returns when the request began, if it is one that is timed. */
  began(): number | undefined {
    if (this.#untimed > 0) {
      this.#untimed--;
      return undefined;
    }
    this.#untimed = this.#every - 1;
    return this.#clock.elapsed();
  }

  /** @param startMs As {@linkcode began} gave it. */
  ended(status: number, startMs: number | undefined): void {
    this.#classes[Math.trunc(status / 100)]!++;
    if (startMs !== undefined) {
      this.times.add((this.#clock.elapsed() - startMs) / 1_000);
    }
  }

  /** Counts an answer once it is there. */
  async ending(
    answer: Promise<Response>,
    startMs: number | undefined,
  ): Promise<Response> {
    this.#inFlight++;
    let status = 500;
    try {
      const response = await answer;
      status = response.status;
      return response;
    } finally {
      this.#inFlight--;
      this.ended(status, startMs);
    }
  }
}

/** What becomes of the requests of all listeners, by route and method. */
export class RequestCounts {
  readonly #clock: Clock;
  readonly #calls = new Map<string, CallCounts>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param route Its template, such as `/v1/state/data/{key}`. */
  of(route: string, method: string): CallCounts {
    const place = `${method} ${route}`;
    let calls = this.#calls.get(place);
    if (!calls) {
      calls = new CallCounts(route, method, this.#clock);
      this.#calls.set(place, calls);
    }
    return calls;
  }

  /** Counts a refusal that no route has made. @returns it. */
  refused(method: string, answer: Response, route = NO_ROUTE): Response {
    const known = METHODS.has(method) ? method : "other";
    this.of(route, known).ended(answer.status, undefined);
    return answer;
  }

  get families(): MetricFamily[] {
    const all = [...this.#calls.values()];
    const labels = ({ route, method }: CallCounts) => ({ route, method });
    const inFlight = all.reduce((sum, calls) => sum + calls.inFlight, 0);
    return [
      {
        name: "plexd_local_api_requests_total",
        help: "Requests by route, method and class of the answer's status.",
        type: "counter",
        samples: all.flatMap((calls) =>
          calls.classes.map(([status, value]) => ({
            labels: { ...labels(calls), status },
            value,
          }))
        ),
      },
      {
        name: "plexd_local_api_request_duration_seconds",
        help: "Time until an answer began: of all writes, and of one read in " +
          `${READS_PER_TIMING}.`,
        type: "histogram",
        samples: all.flatMap((calls) =>
          calls.times.isEmpty ? [] : calls.times.samples(labels(calls))
        ),
      },
      {
        name: "plexd_local_api_requests_in_flight",
        help: "Requests that wait for their answer.",
        type: "gauge",
        samples: [{ value: inFlight }],
      },
    ];
  }
}
