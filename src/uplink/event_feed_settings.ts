/** Settings of {@linkcode EventFeed}. */
export interface EventFeedSettings {
  /** First step between two attempts. @default {1000} */
  readonly backoffBaseMs?: number;
  /** Largest step between two attempts, before jitter. @default {60000} */
  readonly backoffMaxMs?: number;
  /** Outage after which states are pulled instead. @default {300000} */
  readonly pollingAfterMs?: number;
  /** Time between two such pulls, each followed by a try. @default {60000} */
  readonly pollIntervalMs?: number;
  /**
   * Time between tries after a refusal (401, 403, 404), and where there is no
   * stream at all.
   * @default {600000}
   */
  readonly reprobeIntervalMs?: number;
  /** Silence that ends a stream: several keep-alives must be lost. @default {90000} */
  readonly idleTimeoutMs?: number;
  /** Most bytes of one event; longer ones are answered with a pull. @default {4194304} */
  readonly maxEventBytes?: number;
}

/**
 * Fills in what is not set.
 *
 * @throws {RangeError} for a setting that is not above 0.
 */
export function withDefaults(
  settings: EventFeedSettings,
): Required<EventFeedSettings> {
  const all = {
    backoffBaseMs: 1_000,
    backoffMaxMs: 60_000,
    pollingAfterMs: 300_000,
    pollIntervalMs: 60_000,
    reprobeIntervalMs: 600_000,
    idleTimeoutMs: 90_000,
    maxEventBytes: 4 * 1024 * 1024,
    ...settings,
  };
  for (const [name, value] of Object.entries(all)) {
    if (!(value > 0)) {
      throw new RangeError(
        `Cannot feed events as "${name}" must be > 0: current value is ${value}`,
      );
    }
  }
  return all;
}
