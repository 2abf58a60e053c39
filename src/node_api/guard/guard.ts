import { setImmediate } from "node:timers";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/log.ts";
import { isShortage } from "../shortage.ts";
import {
  type ConnectionHost,
  GuardedConnection,
} from "./guarded_connection.ts";
import {
  type GuardLimits,
  LINGER_MS,
  MOST_CONNECTS,
  SHORTAGE_BATCH,
  SHORTAGE_MS,
  SWEEP_MS,
} from "./limits.ts";
import { type RefusalReason, TOO_MANY_CONNECTIONS } from "./refusal.ts";

/** Clients that are told that there is no room, at a time; more are just closed. */
const MOST_TURNED_AWAY = 64;

/** Options for {@linkcode Guard}. */
export interface GuardOptions {
  /** Where strangers connect. */
  readonly listener: Deno.TcpListener;
  /** Opens a connection to the server behind. */
  readonly connect: () => Promise<Deno.Conn>;
  readonly limits: GuardLimits;
  /** Hears of everything that is turned away. */
  readonly refused: (reason: RefusalReason) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * What stands between strangers and `Deno.serve`, which has neither deadlines
 * nor a limit of connections.
 *
 * When all places are taken, the connection that has waited longest without
 * sending a request gives way: silent ones cannot keep others out. Only when
 * all of them are being served, the newcomer is the one to go. When descriptors
 * are short, which may come first, there are fewer places for a while, and those
 * that wait longest give way at once.
 */
export class Guard implements ConnectionHost {
  readonly #options: GuardOptions;
  readonly #connections = new Set<GuardedConnection>();
  /** Those that wait for a request; the longest waiting comes first. */
  readonly #waiting = new Set<GuardedConnection>();
  readonly #turnedAway = new Set<GuardedConnection>();
  /** Those whose last write has not ended, though they are dropped. */
  readonly #lost = new Set<GuardedConnection>();
  readonly #running = new Set<Promise<void>>();
  /** Ends the looks at deadlines. */
  readonly #over = new AbortController();
  #sweeping: Promise<void> | undefined;
  #isStopping = false;

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  get limits(): GuardLimits {
    return this.#options.limits;
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#connections.size;
  }

  /**
   * Lets strangers in until the listener is closed. Where no descriptor is left,
   * those that wait for a request give theirs back, and newcomers wait in the
   * kernel's queue. Rejects when accepting fails in another way.
   */
  async run(): Promise<void> {
    const { listener } = this.#options;
    for (let accepted = 1;; accepted++) {
      try {
        this.#admit(await listener.accept());
        // Those that are queued would all come before any is closed.
        if (this.limits.places.areFew && accepted % SHORTAGE_BATCH === 0) {
          await connectionsAreClosed();
        }
      } catch (error) {
        if (this.#isStopping) return;
        if (!isShortage(error)) throw error;
        await this.#shed();
        if (this.#isStopping) return;
      }
    }
  }

  /** Takes no further request; answers under way have a moment to be written. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const connection of this.#waiting) connection.dropIfWaiting();
    const over = this.#over.signal;
    const grace = this.clock.sleep(LINGER_MS, over).catch(() => {});
    await Promise.race([Promise.all(this.#running), grace]);
    for (const connection of this.#connections) connection.drop();
    for (const connection of this.#turnedAway) connection.drop();
    this.#over.abort();
    await Promise.all([grace, this.#sweeping]);
  }

  async connect(): Promise<Deno.Conn> {
    for (let tries = 1;; tries++) {
      try {
        return await this.#options.connect();
      } catch (error) {
        if (!isShortage(error) || tries === MOST_CONNECTS) throw error;
        await this.#shed();
      }
    }
  }

  waiting(connection: GuardedConnection, isWaiting: boolean): void {
    this.#waiting.delete(connection);
    if (isWaiting) this.#waiting.add(connection);
  }

  /**
   * Deno 2.7 ends a write only when the client takes something or leaves, and
   * keeps the descriptor until then. The place is free at once all the same,
   * unless there are as many of these as places.
   */
  lost(connection: GuardedConnection): void {
    if (this.#lost.size >= this.limits.places.limit) return;
    this.#connections.delete(connection);
    this.#lost.add(connection);
  }

  refused(reason: RefusalReason): void {
    this.#options.refused(reason);
  }

  #admit(client: Deno.TcpConn) {
    try {
      client.setNoDelay(true);
    } catch {
      // It has left again; reading it will tell.
    }
    const connection = new GuardedConnection(this, client);
    const { places } = this.limits;
    if (places.areFew) {
      this.#giveBack(this.#connections.size + 1 - places.limit);
    }
    if (this.#connections.size < places.limit || this.#makeRoom()) {
      this.#keep(this.#connections, connection, connection.run());
    } else if (this.#turnedAway.size < MOST_TURNED_AWAY) {
      const away = connection.turnAway(TOO_MANY_CONNECTIONS);
      this.#keep(this.#turnedAway, connection, away);
    } else {
      this.refused("connections");
      connection.drop();
    }
    this.#sweeping ??= this.#sweep();
  }

  /** Learns how many are too many, and waits a moment for what they give back. */
  async #shed(): Promise<void> {
    const { places } = this.limits;
    places.shortage(this.#connections.size);
    this.#giveBack(this.#connections.size - places.limit);
    await this.clock.sleep(SHORTAGE_MS, this.#over.signal).catch(() => {});
  }

  /** Drops those that have waited longest; the others may be about to ask. */
  #giveBack(count: number) {
    for (const connection of [...this.#waiting].slice(0, Math.max(0, count))) {
      this.refused("connections");
      this.#waiting.delete(connection);
      this.#connections.delete(connection);
      connection.drop();
    }
  }

  #makeRoom(): boolean {
    const [longest] = this.#waiting;
    if (!longest?.giveWay()) return false;
    this.#waiting.delete(longest);
    return true;
  }

  #keep(
    among: Set<GuardedConnection>,
    connection: GuardedConnection,
    running: Promise<void>,
  ) {
    among.add(connection);
    const ended = running.then(() => {
      among.delete(connection);
      this.#lost.delete(connection);
      this.#running.delete(ended);
    });
    this.#running.add(ended);
  }

  /** Looks at all deadlines now and then, for as long as anybody is there. */
  async #sweep(): Promise<void> {
    const { clock, log } = this.#options;
    try {
      while (this.#running.size > 0) {
        await clock.sleep(SWEEP_MS, this.#over.signal);
        const now = clock.elapsed();
        for (const connection of this.#connections) connection.check(now);
        for (const connection of this.#turnedAway) connection.check(now);
      }
    } catch (error) {
      if (!this.#over.signal.aborted) {
        log.error("Deadlines are not watched", { error });
      }
    } finally {
      this.#sweeping = undefined;
    }
  }
}

/** The runtime closes what is dropped when it gets its turn. */
async function connectionsAreClosed(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
