import { describeError } from "../platform/log.ts";
import type { Part } from "../platform/part.ts";
import type { Platform } from "../platform/platform.ts";
import type { PeerObservation } from "../store/peer_cache.ts";
import type { Route } from "../store/route_cache.ts";
import type {
  StateChange,
  StateParts,
  StateView,
} from "../store/state_view.ts";
import { servicesAt } from "../wire/service_assignment.ts";
import { computeRoutes, ROUTE_LIFETIME_MS } from "./compute_routes.ts";

/** The state, as far as caches follow from it. */
export interface CachedState {
  readonly view: StateView;
  update(
    decide: (latest: StateView) => StateChange | undefined,
  ): Promise<unknown>;
  onChange(
    listener: (view: StateParts, previous: StateParts) => void,
  ): () => void;
}

/** Where observations are kept. */
export interface PeerCachePort {
  get(peerId: string): PeerObservation | undefined;
  prune(nowMs: number, isPeer: (id: string) => boolean): void;
  flush(): Promise<void>;
}

/** Where routes are kept. */
export interface RouteCachePort {
  readonly routes: readonly Route[];
  replace(routes: readonly Route[]): void;
  flush(): Promise<void>;
}

/** Options for {@linkcode CacheKeeper}. */
export interface CacheKeeperOptions {
  readonly state: CachedState;
  readonly peerCache: PeerCachePort;
  readonly routes: RouteCachePort;
  /** Hears of writes that fail. */
  readonly onFailure: (failure: unknown) => void;
  /** Quiet time after the directory changed. @default {5000} */
  readonly debounceMs?: number;
  /** Between two looks, and so between two writes. @default {300000} */
  readonly intervalMs?: number;
  readonly io: Platform;
}

/**
 * Keeps the caches as they should be: what has expired goes, routes follow the
 * directory and what was observed, and all of it is written now and then, however
 * often a peer comes and goes.
 *
 * @see seed Node Local State Store, section 7
 */
export class CacheKeeper implements Part {
  readonly name = "cache_keeper";
  readonly #options: CacheKeeperOptions;
  readonly #debounceMs: number;
  readonly #intervalMs: number;
  #wake: AbortController | undefined;
  #isChanged = false;

  constructor(options: CacheKeeperOptions) {
    const { debounceMs = 5_000, intervalMs = 300_000 } = options;
    this.#options = options;
    this.#debounceMs = debounceMs;
    this.#intervalMs = intervalMs;
  }

  /** Asks for a look before the interval is over, with all that comes soon. */
  soon(): void {
    this.#isChanged = true;
    this.#wake?.abort();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { state, io } = this.#options;
    const stopListening = state.onChange((view, previous) => {
      if (view.peers !== previous.peers) this.soon();
    });
    try {
      for (;;) {
        await this.#look();
        await this.#untilDue(signal);
        signal.throwIfAborted();
        if (this.#isChanged) await io.clock.sleep(this.#debounceMs, signal);
        this.#isChanged = false;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      stopListening();
      // The next start goes on from here.
      await this.#look();
    }
  }

  async #untilDue(signal: AbortSignal): Promise<void> {
    if (this.#isChanged) return;
    this.#wake = new AbortController();
    const either = AbortSignal.any([signal, this.#wake.signal]);
    try {
      await this.#options.io.clock.sleep(this.#intervalMs, either);
    } catch {
      // Woken, or told to stop.
    }
  }

  async #look(): Promise<void> {
    const { peerCache, routes, onFailure, io } = this.#options;
    try {
      this.#prune();
      this.#route();
      await this.#endServices();
      await peerCache.flush();
      await routes.flush();
    } catch (error) {
      io.log.debug("Caches not stored", { error: describeError(error) });
      onFailure(error);
    }
  }

  #prune() {
    const { state, peerCache, io } = this.#options;
    const { peers, complete } = state.view;
    const ids = new Set(peers.map(({ id }) => id));
    // An incomplete directory says nothing about who is gone.
    peerCache.prune(io.clock.now(), (id) => !complete || ids.has(id));
  }

  /** Routes that say the same stay until half of their time is over. */
  #route() {
    const { state, peerCache, routes, io } = this.#options;
    const nowMs = io.clock.now();
    const next = computeRoutes({
      peers: state.view.peers,
      observed: (id) => peerCache.get(id),
    }, nowMs);
    const areFresh = routes.routes.every(({ expiresAtMs }) => {
      const leftMs = expiresAtMs - nowMs;
      return leftMs > ROUTE_LIFETIME_MS / 2 && leftMs <= ROUTE_LIFETIME_MS;
    });
    if (areFresh && sayTheSame(next, routes.routes)) return;
    routes.replace(next);
  }

  /** What the control plane gave an end to needs no state to end it. */
  async #endServices() {
    const { state, io } = this.#options;
    const left = (services: StateView["services"]) =>
      servicesAt(services, io.clock.now());
    const { services } = state.view;
    if (left(services) === services) return;
    await state.update((latest) => ({ services: left(latest.services) }));
  }
}

function sayTheSame(a: readonly Route[], b: readonly Route[]): boolean {
  const text = (routes: readonly Route[]) =>
    JSON.stringify(
      routes,
      (name, value) => name === "expiresAtMs" ? undefined : value,
    );
  return text(a) === text(b);
}
