import { describeError } from "../platform/log.ts";
import type { Platform } from "../platform/platform.ts";
import type { ServiceManager } from "../platform/service_manager.ts";
import type { StatusDocument } from "../wire/status.ts";
import { statusLine } from "./status_line.ts";
import type { VitalSigns } from "./vital_signs.ts";

/** Time between two looks where nobody waits for signs of life, ms. */
const LOOK_MS = 20_000;

/** A registered node whose parts run. */
export interface PresentNode {
  /** Resolves once its sockets are open; rejects when they cannot be. */
  readonly ready: Promise<void>;
  readonly status: () => StatusDocument;
  readonly vitalSigns: Pick<VitalSigns, "check">;
  /**
   * Calls `listener` when what the status says may be another thing.
   *
   * @returns what ends the calls.
   */
  readonly onChange: (listener: () => void) => () => void;
}

/**
 * Tells the service manager how the agent is, for as long as the agent runs and
 * through all identities and configurations that it has.
 *
 * A sign of life is given only while the parts of the node are found alive, so
 * that an agent which merely exists is started again.
 *
 * @see sd_notify(3)
 */
export class ServiceLink {
  readonly #manager: ServiceManager;
  readonly #io: Platform;
  #latest:
    | { readonly node: PresentNode; readonly stop: AbortSignal }
    | undefined;
  /** It has been ready before, so it is past its start. */
  #started = false;
  #wake: (() => void) | undefined;
  #told: string | undefined;
  #ailment: string | undefined;

  constructor(manager: ServiceManager, io: Platform) {
    this.#manager = manager;
    this.#io = io;
  }

  /**
   * The parts of this node have begun. Once its sockets are open it counts as
   * present, until `stop` aborts.
   */
  present(node: PresentNode, stop: AbortSignal): void {
    node.ready.then(() => {
      if (stop.aborted) return;
      const forget = node.onChange(() => this.#wake?.());
      stop.addEventListener("abort", forget, { once: true });
      // Held: Deno 2.7 forgets who listens to a signal that nobody holds.
      this.#latest = { node, stop };
      this.#started = true;
      this.#told = statusLine(node.status());
      this.#manager.ready(this.#told);
    }, () => {
      // Whoever runs the parts hears of it.
    });
  }

  /** Undefined while no parts work, as before and between identities. */
  get #node(): PresentNode | undefined {
    return this.#latest?.stop.aborted ? undefined : this.#latest?.node;
  }

  /** The configuration is read anew; `present` or `unchanged` ends that. */
  reloading(): void {
    // Before the start is over there is nothing to be ready for again.
    if (!this.#started) return;
    this.#manager.reloading("reading the configuration anew");
  }

  /** The configuration was read, and all parts stay as they are. */
  unchanged(): void {
    if (!this.#started) return;
    const node = this.#node;
    this.#told = node ? statusLine(node.status()) : "joining anew";
    this.#manager.ready(this.#told);
  }

  /**
   * Runs `work`, telling how it is meanwhile, and that it ends: when `stop`
   * aborts, or by itself.
   *
   * @throws what `work` throws.
   */
  async during(work: () => Promise<void>, stop: AbortSignal): Promise<void> {
    const over = new AbortController();
    const ending = () => {
      // `stop` may have aborted before anybody could listen to it.
      if (over.signal.aborted) return;
      over.abort();
      this.#manager.stopping("stopping");
    };
    stop.addEventListener("abort", ending, { once: true });
    const telling = this.#run(over.signal);
    try {
      await work();
    } finally {
      stop.removeEventListener("abort", ending);
      ending();
      await telling;
      await this.#manager.told();
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { watchdogMs = 3 * LOOK_MS } = this.#manager;
    // Two may get lost on the way.
    const lookMs = watchdogMs / 3;
    while (!signal.aborted) {
      try {
        await this.#tell(signal, lookMs);
      } catch (error) {
        if (signal.aborted) return;
        this.#io.log.error("The service manager was not told", {
          error: describeError(error),
        });
      }
      await this.#wait(lookMs, signal);
    }
  }

  async #tell(signal: AbortSignal, lookMs: number): Promise<void> {
    if (!this.#started) {
      // Joining may take as long as the configuration allows.
      this.#manager.moreTime(3 * lookMs);
      return this.#say("starting: joining, or loading the state");
    }
    const node = this.#node;
    const ailment = await node?.vitalSigns.check(signal);
    if (ailment === undefined) this.#manager.alive();
    if (ailment !== undefined && ailment !== this.#ailment) {
      this.#io.log.error("Sign of life withheld", { why: ailment });
    }
    this.#ailment = ailment;
    if (node) this.#say(ailment ?? statusLine(node.status()));
  }

  #say(line: string) {
    if (line === this.#told) return;
    this.#told = line;
    this.#manager.status(line);
  }

  /** Until the time is over or something has changed. Never rejects. */
  async #wait(ms: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    await this.#io.clock.sleep(ms, AbortSignal.any([signal, woken.signal]))
      .catch(() => {});
    this.#wake = undefined;
  }
}
