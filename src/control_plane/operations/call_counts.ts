import type { Clock } from "../../platform/clock.ts";
import { Histogram, type MetricFamily } from "../../wire/prometheus.ts";
import { ProblemError } from "../http/problem.ts";
import type { Route } from "../http/router.ts";

/** From what memory answers to what waits for a disk, in seconds. */
const BOUNDS = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5];

/** How often each route was called, how that ended, and how long it took. */
export class CallCounts {
  readonly #clock: Clock;
  readonly #ends = new Map<string, Map<number, number>>();
  readonly #times = new Map<string, Histogram>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Counts the calls of routes. Calls that meet none are not counted: their
   * paths have no bound.
   */
  counted<More extends object>(routes: readonly Route<More>[]): Route<More>[] {
    return routes.map((route) => ({
      ...route,
      handle: async (call) => {
        const start = this.#clock.elapsed();
        let status = 500;
        try {
          const answer = await route.handle(call);
          status = answer.status;
          return answer;
        } catch (error) {
          if (error instanceof ProblemError) status = error.status;
          throw error;
        } finally {
          const ms = this.#clock.elapsed() - start;
          this.#add(`${route.method} ${route.path}`, status, ms / 1_000);
        }
      },
    }));
  }

  get families(): MetricFamily[] {
    return [
      {
        name: "plexd_control_plane_http_requests_total",
        help: "Calls by route and status.",
        type: "counter",
        samples: [...this.#ends].flatMap(([place, ends]) =>
          [...ends].map(([status, value]) => ({
            labels: { ...labelsOf(place), code: String(status) },
            value,
          }))
        ),
      },
      {
        name: "plexd_control_plane_http_request_duration_seconds",
        help: "Time until the answer began, by route.",
        type: "histogram",
        samples: [...this.#times].flatMap(([place, times]) =>
          times.samples(labelsOf(place))
        ),
      },
    ];
  }

  #add(place: string, status: number, seconds: number) {
    const ends = this.#ends.get(place) ?? new Map<number, number>();
    ends.set(status, (ends.get(status) ?? 0) + 1);
    this.#ends.set(place, ends);
    const times = this.#times.get(place) ?? new Histogram(BOUNDS);
    times.add(seconds);
    this.#times.set(place, times);
  }
}

function labelsOf(place: string): Record<string, string> {
  const [method = "", route = ""] = place.split(" ");
  return { method, route };
}
