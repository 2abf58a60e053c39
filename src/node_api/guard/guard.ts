import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/log.ts";
import {
  type ConnectionHost,
  GuardedConnection,
} from "./guarded_connection.ts";
import { type GuardLimits, LINGER_MS, SWEEP_MS } from "./limits.ts";
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
 * all of them are being served, the newcomer is the one to go.
 */
export class Guard implements ConnectionHost {
  readonly #options: GuardOptions;
  readonly #connections = new Set<GuardedConnection>();
  /** Those that wait for a request; the longest waiting comes first. */
  readonly #waiting = new Set<GuardedConnection>();
  readonly #turnedAway = new Set<GuardedConnection>();
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

  /** Lets strangers in until the listener is closed. Rejects when it fails. */
  async run(): Promise<void> {
    const { listener } = this.#options;
    for (;;) {
      let connection: Deno.TcpConn;
      try {
        connection = await listener.accept();
      } catch (error) {
        if (this.#isStopping) return;
        throw error;
      }
      this.#admit(connection);
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

  connect(): Promise<Deno.Conn> {
    return this.#options.connect();
  }

  waiting(connection: GuardedConnection, isWaiting: boolean): void {
    this.#waiting.delete(connection);
    if (isWaiting) this.#waiting.add(connection);
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
    const { maxConnections } = this.limits;
    if (this.#connections.size < maxConnections || this.#makeRoom()) {
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
