import { ConfigError } from "../config/config_error.ts";
import type { LoadedConfig } from "../config/load_config.ts";
import type { Config } from "../config/settings.ts";
import { describeError } from "../platform/log.ts";
import type { Platform } from "../platform/platform.ts";
import type { Transitions } from "../store/transition_ring.ts";
import type { ControlClient } from "../uplink/control_client.ts";
import { planReload, type ReloadPlan } from "./reload_settings.ts";
import type { ServiceLink } from "./service_link.ts";

/** Where the running agent gets its configuration from, again. */
export interface ReloadPort {
  /**
   * Calls `listener` each time that somebody asks for it.
   *
   * @returns what ends the calls.
   */
  onRequest(listener: () => void): () => void;
  /** @throws {ConfigError} naming everything that is wrong. */
  load(): Promise<LoadedConfig>;
  /** Logs as `config` wants from now on. */
  useLog(config: Config): void;
  /** Whether this process may still start others. */
  maySpawn(): boolean;
}

/** What the parts of a node begin with. */
export interface Settings {
  readonly config: Config;
  readonly client: ControlClient;
}

/** Options for {@linkcode Reload}. */
export interface ReloadOptions {
  readonly port: ReloadPort;
  readonly first: Settings;
  /** Makes a client of the control plane. @throws {ConfigError} */
  readonly dial: (config: Config) => Promise<ControlClient>;
  readonly service: Pick<ServiceLink, "reloading" | "unchanged">;
  readonly transitions: Pick<Transitions, "note">;
  readonly io: Platform;
}

/** Time between two looks whether the actions have ended, ms. */
const BUSY_LOOK_MS = 500;

/**
 * Reads the configuration anew while the agent runs. All of it is checked before
 * anything changes; then parts begin anew with it, in the same process and over
 * the same open store. Until they work there is a way back: should they fail,
 * they begin once more with what they had.
 */
export class Reload implements Disposable {
  readonly #options: ReloadOptions;
  readonly #ignore: () => void;
  #now: Settings;
  /** What was before, until the present one has been seen to work. */
  #former: Settings | undefined;
  /** What the parts that work now began with: the next may be read already. */
  #begun: Settings;
  #asked = false;
  #wake: (() => void) | undefined;
  #busy: () => number = () => 0;
  #end: AbortSignal | undefined;

  constructor(options: ReloadOptions) {
    this.#options = options;
    this.#now = options.first;
    this.#begun = options.first;
    this.#ignore = options.port.onRequest(() => {
      this.#asked = true;
      this.#wake?.();
    });
  }

  get current(): Settings {
    return this.#now;
  }

  /**
   * The parts work with the configuration that they began with.
   *
   * @param busy How much is under way that an end of the parts would cut off.
   */
  works(busy: () => number): void {
    const { client } = this.#begun;
    if (this.#former?.client !== client) {
      this.#former?.client[Symbol.dispose]();
    }
    this.#former = this.#now.client === client ? undefined : this.#begun;
    this.#busy = busy;
  }

  /**
   * Works until `stop` aborts or parts are to begin anew.
   *
   * @param work Settles once `end` aborts; resolves to whether to begin anew.
   * @returns whether to begin anew, with what is current then.
   * @throws what `work` throws, if there is no way back.
   */
  async during(
    work: (end: AbortSignal) => Promise<boolean>,
    stop: AbortSignal,
  ): Promise<boolean> {
    const anew = new AbortController();
    const over = new AbortController();
    const watching = this.#watch(
      () => anew.abort(),
      AbortSignal.any([stop, over.signal]),
    );
    // Deno 2.7 forgets such a signal, and who listens to it, once nobody holds it.
    this.#end = AbortSignal.any([stop, anew.signal]);
    try {
      const again = await work(this.#end);
      return again || anew.signal.aborted;
    } catch (error) {
      if (stop.aborted) throw error;
      // What ends in the middle of something says so by throwing.
      if (!anew.signal.aborted) this.#goBack(error);
      return true;
    } finally {
      this.#busy = () => 0;
      this.#end = undefined;
      over.abort();
      await watching;
      this.#closeBegun();
    }
  }

  [Symbol.dispose](): void {
    this.#ignore();
  }

  /** Nobody goes back to what failed, or gave way before it was seen to work. */
  #closeBegun() {
    const { client } = this.#begun;
    const isNeeded = client === this.#now.client ||
      client === this.#former?.client;
    if (!isNeeded) client[Symbol.dispose]();
    this.#begun = this.#now;
  }

  /** @throws `error` when nothing was before. */
  #goBack(error: unknown) {
    const former = this.#former;
    if (!former) throw error;
    const { port, transitions, io } = this.#options;
    const { client } = this.#now;
    if (client !== this.#begun.client) client[Symbol.dispose]();
    this.#former = undefined;
    this.#now = former;
    port.useLog(former.config);
    const reason = describeError(error);
    transitions.note("reload", { reason: `taken back: ${reason}` });
    io.log.error(
      "The new configuration does not work, the former one is back",
      {
        error: reason,
      },
    );
  }

  /** Never rejects. */
  async #watch(restart: () => void, signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", () => this.#wake?.(), { once: true });
    for (;;) {
      await this.#request(signal);
      if (signal.aborted) return;
      this.#asked = false;
      if (!await this.#reload()) continue;
      await this.#whileBusy(signal);
      return restart();
    }
  }

  #request(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#asked || signal.aborted) resolve();
    this.#wake = resolve;
    return promise;
  }

  /** @returns whether the parts have to begin anew. */
  async #reload(): Promise<boolean> {
    const { port, service, dial, io } = this.#options;
    service.reloading();
    try {
      const { config, warnings } = await port.load();
      for (const warning of warnings) {
        io.log.warn("Configuration", { warning });
      }
      const plan = planReload(this.#now.config, config, {
        maySpawn: port.maySpawn(),
      });
      const client = plan.restarts ? await dial(plan.config) : this.#now.client;
      if (plan.restarts) this.#former ??= this.#now;
      this.#now = { config: plan.config, client };
      port.useLog(plan.config);
      this.#tell(plan);
      if (!plan.restarts) service.unchanged();
      return plan.restarts;
    } catch (error) {
      this.#refuse(error);
      service.unchanged();
      return false;
    }
  }

  #tell({ changed, kept, restarts }: ReloadPlan) {
    const { transitions, io } = this.#options;
    const names = changed.map((one) => one.slice(0, one.indexOf(":")));
    transitions.note("reload", {
      reason: names.length === 0 ? "nothing changed" : names.join(", "),
    });
    io.log.info("Configuration read anew", {
      changed,
      parts_restart: restarts,
    });
    if (kept.length === 0) return;
    io.log.warn("These settings stay until the process is started again", {
      settings: kept,
    });
  }

  #refuse(error: unknown) {
    const { transitions, io } = this.#options;
    const problems = error instanceof ConfigError
      ? error.problems.map(({ where, what }) => `${where}: ${what}`)
      : [describeError(error)];
    transitions.note("reload", { reason: `refused: ${problems.join("; ")}` });
    io.log.error("Configuration not read anew, the present one stays in use", {
      problems,
    });
  }

  /** An action that runs is not cut off, for as long as it may take. */
  async #whileBusy(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options.io;
    // They began under what was before: a shorter limit is not theirs.
    const { config } = this.#former ?? this.#now;
    const untilMs = clock.elapsed() + config["actions.max_action_timeout"];
    const count = this.#busy();
    if (count === 0) return;
    log.info("Parts begin anew once actions have ended", { running: count });
    while (this.#busy() > 0 && clock.elapsed() < untilMs) {
      await clock.sleep(BUSY_LOOK_MS, signal).catch(() => {});
      if (signal.aborted) return;
    }
  }
}
