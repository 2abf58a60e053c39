import * as z from "zod/mini";
import { checkShape } from "../wire/shape_error.ts";
import { CacheFile, type CacheForm } from "./cache_file.ts";
import { FAILURE_REASONS, type FailureReason } from "./peer_cache.ts";
import type { StoreContext } from "./store_context.ts";

/** Path of the routes, below the membership's folder. */
export const ROUTES_FILE = "routes/table.json";

/** Paths beside the selected one that are kept of each route. */
export const ALTERNATIVES_KEPT = 8;

/** Routes that are kept. */
export const MAX_ROUTES = 20_000;

/** `direct`: to the endpoint of the peer; `no_endpoint`: it has told none. */
export const ROUTE_CLASSES = ["direct", "no_endpoint"] as const;
export type RouteClass = typeof ROUTE_CLASSES[number];

/** One way to a destination. */
export interface RoutePath {
  readonly peerId: string;
  readonly routeClass: RouteClass;
  /** Of the peer, 0 to 1; absent when it was not observed. */
  readonly score?: number;
}

/**
 * The way to a destination, as it follows from directory and observations. It
 * defines nothing: whatever it says can be computed anew. Times are ms since the
 * Unix epoch.
 *
 * @see seed Node Local State Store, section 4 "Route Cache"
 */
export interface Route {
  /** Such as `10.42.0.2/32`. */
  readonly destination: string;
  readonly selected: RoutePath;
  /** Best first. */
  readonly alternatives: readonly RoutePath[];
  readonly expiresAtMs: number;
  /** Absent when no peer of this destination was seen to answer. */
  readonly lastSuccess?: { readonly peerId: string; readonly atMs: number };
  /** Absent when none was seen to fail. */
  readonly lastFailure?: {
    readonly peerId: string;
    readonly atMs: number;
    readonly reason: FailureReason;
  };
}

const ms = z.int().check(z.nonnegative());
const pathSchema = z.object({
  peer_id: z.string(),
  class: z.enum(ROUTE_CLASSES),
  score: z.optional(z.number().check(z.minimum(0), z.maximum(1))),
});
const routesSchema = z.array(z.object({
  destination: z.string(),
  selected: pathSchema,
  alternatives: z.array(pathSchema).check(z.maxLength(ALTERNATIVES_KEPT)),
  expires_at_ms: ms,
  last_success: z.optional(z.object({ peer_id: z.string(), at_ms: ms })),
  last_failure: z.optional(z.object({
    peer_id: z.string(),
    at_ms: ms,
    reason: z.enum(FAILURE_REASONS),
  })),
}));
type Stored = z.infer<typeof routesSchema>[number];

export const ROUTES_FORM: CacheForm<Route> = {
  file: ROUTES_FILE,
  what: "the routes",
  formats: [
    (entries) => checkShape("routes", routesSchema, entries).map(fromStored),
  ],
  members: toStored,
  maxEntries: MAX_ROUTES,
  maxBytes: 8 * 1024 * 1024,
};

/** The routes that were computed last. Missing or damaged, they come again. */
export class RouteCache {
  readonly #file: CacheFile<Route>;
  #routes: readonly Route[];

  private constructor(file: CacheFile<Route>) {
    this.#file = file;
    this.#routes = file.entries;
  }

  static open(context: StoreContext): RouteCache {
    return new RouteCache(CacheFile.open(context, ROUTES_FORM));
  }

  get routes(): readonly Route[] {
    return this.#routes;
  }

  /** Takes the place of all routes, in memory only. */
  replace(routes: readonly Route[]): void {
    this.#routes = routes;
  }

  /** Stores them, if they are not on disk yet. @throws {StoreWriteError} */
  async flush(): Promise<void> {
    await this.#file.save(this.#routes);
  }

  /** Forgets all of them, on disk, too. @throws {StoreWriteError} */
  async forget(): Promise<void> {
    this.#routes = [];
    await this.flush();
  }
}

function toStored(route: Route): Stored {
  const { lastSuccess, lastFailure } = route;
  return {
    destination: route.destination,
    selected: storedPath(route.selected),
    alternatives: route.alternatives.map(storedPath),
    expires_at_ms: route.expiresAtMs,
    last_success: lastSuccess &&
      { peer_id: lastSuccess.peerId, at_ms: lastSuccess.atMs },
    last_failure: lastFailure && {
      peer_id: lastFailure.peerId,
      at_ms: lastFailure.atMs,
      reason: lastFailure.reason,
    },
  };
}

function storedPath({ peerId, routeClass, score }: RoutePath) {
  return { peer_id: peerId, class: routeClass, score };
}

function fromStored(stored: Stored): Route {
  const { last_success, last_failure } = stored;
  return {
    destination: stored.destination,
    selected: pathFrom(stored.selected),
    alternatives: stored.alternatives.map(pathFrom),
    expiresAtMs: stored.expires_at_ms,
    ...(last_success
      ? {
        lastSuccess: {
          peerId: last_success.peer_id,
          atMs: last_success.at_ms,
        },
      }
      : {}),
    ...(last_failure
      ? {
        lastFailure: {
          peerId: last_failure.peer_id,
          atMs: last_failure.at_ms,
          reason: last_failure.reason,
        },
      }
      : {}),
  };
}

function pathFrom(stored: z.infer<typeof pathSchema>): RoutePath {
  return {
    peerId: stored.peer_id,
    routeClass: stored.class,
    ...(stored.score === undefined ? {} : { score: stored.score }),
  };
}
