import {
  RefreshLoop,
  type RefreshNews,
} from "../../src/uplink/refresh_loop.ts";
import type { CarrierCredentials } from "../../src/wire/carrier_credentials.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

/** Credentials that live for `lifeMs` from `issuedAtMs`. */
export function credentials(
  issuedAtMs: number,
  lifeMs: number,
  fields: Partial<CarrierCredentials> = {},
): CarrierCredentials {
  return {
    carrier: "nats",
    servers: ["nats://127.0.0.1:4222"],
    stream: "PLEXD_EVENTS",
    consumer: "node-1",
    subject: "plexd.v1.domain.node-1.events",
    inbox_prefix: "_INBOX_node-1",
    user_jwt: `jwt-${issuedAtMs}`,
    user_seed: `seed-${issuedAtMs}`,
    issued_at: new Date(issuedAtMs).toISOString(),
    expires_at: new Date(issuedAtMs + lifeMs).toISOString(),
    ...fields,
  };
}

/** A refresh loop with a control plane that answers as the test says. */
export class Refreshing {
  readonly clock: FakeClock;
  readonly log = new MemoryLog();
  readonly news: RefreshNews[] = [];
  readonly hidden: string[] = [];
  /** Monotonic times of all requests. */
  readonly asked: number[] = [];
  readonly store: {
    carrier: CarrierCredentials | undefined;
    saveCarrier(kept: CarrierCredentials | undefined): Promise<void>;
  };
  lifeMs = 3_600_000;
  /** What the next requests fail with; undefined for none. */
  failure: Error | undefined;
  answer = (): Promise<CarrierCredentials> =>
    this.failure
      ? Promise.reject(this.failure)
      : Promise.resolve(credentials(this.clock.now(), this.lifeMs));
  readonly loop: RefreshLoop;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(kept?: CarrierCredentials, clock = new FakeClock()) {
    this.clock = clock;
    this.store = {
      carrier: kept,
      saveCarrier(next) {
        this.carrier = next;
        return Promise.resolve();
      },
    };
    this.loop = new RefreshLoop({
      fetch: () => {
        this.asked.push(this.clock.elapsed());
        return this.answer();
      },
      store: this.store,
      hide: ({ user_seed, user_jwt }) => this.hidden.push(user_seed, user_jwt),
      onNews: (news) => this.news.push(news),
      io: { clock: this.clock, random: new FakeRandom(), log: this.log },
    });
  }

  start(): this {
    this.#running = this.loop.run(this.#stop.signal);
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}
