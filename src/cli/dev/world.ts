import { dirname } from "node:path";
import type { Clock } from "../../platform/clock.ts";
import type { StatusDocument } from "../../wire/status.ts";
import type { Dialect } from "../../wire/dialect.ts";
import { AdminClient } from "../admin_client.ts";
import { call } from "../../client/call.ts";
import { LocalCallError } from "../../client/errors.ts";
import { type BusPrograms, freePort, startBus } from "./bus_child.ts";
import { Child } from "./child.ts";
import type { DevFolders } from "./folders.ts";

/** How long a process may take until it is up; far more than it needs. */
const START_LIMIT_MS = 30_000;
/** Between two looks at something that is about to happen. */
const LOOK_EVERY_MS = 25;

/** What a node names itself by when it joins in dialect 2. */
const RESOURCE = {
  project_id: "0190a8b8-a0c0-7a0a-8a0a-000000000001",
  resource_handle: "plexd-dev",
};

/** What the two processes write, line by line. */
export interface WorldLogs {
  readonly agent?: (line: string) => void;
  readonly controlPlane?: (line: string) => void;
}

/** What brings events to the agent, as its setting says it. */
export type Transport = "sse" | "nats" | "auto";

/** Options for {@linkcode World}. */
export interface WorldOptions {
  readonly folders: DevFolders;
  readonly clock: Clock;
  readonly logs: WorldLogs;
  /** Dialect that the node joins in. */
  readonly dialect: Dialect;
  readonly transport: Transport;
  /** What the message bus is started with; absent for none. */
  readonly bus?: BusPrograms;
  /** Settings of the agent beside those that the folders decide. */
  readonly agentSettings: Readonly<Record<string, unknown>>;
  /** Ends all waiting. */
  readonly signal: AbortSignal;
}

/** A control plane and an agent, each in its own process, on real files. */
export class World {
  readonly #options: WorldOptions;
  #controlPlane: Child | undefined;
  #agent: Child | undefined;
  #bus: Child | undefined;
  /** It keeps its port over restarts. */
  readonly #busPort: number | undefined;
  #url: string | undefined;
  #adminTokenFile: string | undefined;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#busPort = options.bus && freePort();
  }

  get hasBus(): boolean {
    return this.#options.bus !== undefined;
  }

  /** URL of the message bus; undefined for none. */
  get busUrl(): string | undefined {
    return this.#busPort === undefined
      ? undefined
      : `nats://127.0.0.1:${this.#busPort}`;
  }

  get folders(): DevFolders {
    return this.#options.folders;
  }

  get dialect(): Dialect {
    return this.#options.dialect;
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  /** Base URL of the control plane; it keeps its port over restarts. */
  get url(): string {
    if (this.#url === undefined) throw new Error("No control plane yet");
    return this.#url;
  }

  get adminTokenFile(): string {
    if (this.#adminTokenFile === undefined) {
      throw new Error("No control plane yet");
    }
    return this.#adminTokenFile;
  }

  get admin(): AdminClient {
    const file = this.adminTokenFile;
    return new AdminClient(
      this.url,
      async () => (await Deno.readTextFile(file)).trim(),
    );
  }

  /** The last lines of all processes, for a failure's report. */
  get lastLines(): readonly string[] {
    return this.#children.flatMap((child) =>
      child.lastLines.map((line) => `${child.options.name}: ${line}`)
    );
  }

  /** Settles with a message as soon as a process ends that nobody stopped. */
  get unexpectedEnd(): Promise<string> {
    return Promise.race(
      this.#children.map(async (child) => {
        const { code } = await child.ended;
        return `the ${child.options.name} ended with exit code ${code}`;
      }),
    );
  }

  async startControlPlane(): Promise<void> {
    const { folders, logs } = this.#options;
    const listening = Promise.withResolvers<string>();
    const listen = this.#url ? new URL(this.#url).host : "127.0.0.1:0";
    const child = Child.start({
      name: "control plane",
      args: [
        "control-plane",
        "--listen",
        listen,
        "--data-dir",
        folders.controlPlane,
        "--log-format",
        "json",
        "--die-with-stdin",
        ...(this.busUrl === undefined ? [] : ["--nats", this.busUrl]),
        ...this.#cleaning,
      ],
      onOutput: listening.resolve,
      ...(logs.controlPlane ? { onLog: logs.controlPlane } : {}),
    });
    this.#controlPlane = child;
    const line = await this.#orEnd(child, listening.promise);
    const answer = JSON.parse(line) as {
      listening: string;
      admin_token_file: string;
    };
    this.#url = answer.listening;
    this.#adminTokenFile = answer.admin_token_file;
  }

  async stopControlPlane(): Promise<boolean> {
    return await this.#controlPlane?.stop(this.clock) ?? true;
  }

  /** Starts the message bus, where there is to be one, and waits until it is up. */
  async startBus(): Promise<void> {
    const { bus: programs, folders } = this.#options;
    const port = this.#busPort;
    if (!programs || port === undefined) return;
    const ready = Promise.withResolvers<void>();
    const child = await startBus({
      programs,
      folders,
      port,
      answer: await this.admin.call("GET", "/message-bus"),
      onReady: ready.resolve,
    });
    this.#bus = child;
    await this.#orEnd(child, ready.promise);
  }

  /** SIGKILL, as a crash would do it. */
  async killBus(): Promise<void> {
    await this.#bus?.kill();
  }

  /** Leaves a fresh one-time token where the agent will look for it. */
  async leaveToken(): Promise<void> {
    const answer = await this.admin.call("POST", "/tokens", {
      ttl: "10m",
      ...(this.dialect === 2 ? { dialect: 2 } : {}),
    }) as { token: string };
    // One that an earlier start left unused may have expired.
    await Deno.remove(this.folders.tokenFile).catch(() => {});
    await Deno.writeTextFile(this.folders.tokenFile, answer.token + "\n", {
      mode: 0o600,
      createNew: true,
    });
  }

  /** Starts the agent and waits until its socket answers. */
  async startAgent(controlPlaneUrl = this.url): Promise<StatusDocument> {
    const { folders, logs, transport, agentSettings } = this.#options;
    // JSON is YAML too, and the file shows a reader what the agent runs with.
    const settings = {
      data_dir: folders.agentData,
      seal: { key_file: folders.machineKey },
      registration: {
        token_file: folders.tokenFile,
        ...(this.dialect === 2 ? RESOURCE : {}),
      },
      ...(transport === "sse" ? {} : { transport }),
      ...agentSettings,
      api: {
        base_url: controlPlaneUrl,
        ...agentSettings["api"] as Record<string, unknown>,
      },
      node_api: {
        socket_path: folders.socket,
        secrets_socket_path: folders.secretsSocket,
        // Only the person at this terminal may use these sockets.
        group: "",
        secrets_group: "",
        ...agentSettings["node_api"] as Record<string, unknown>,
      },
    };
    await Deno.writeTextFile(
      folders.agentConfig,
      JSON.stringify(settings, null, 2) + "\n",
      { mode: 0o600 },
    );
    const child = Child.start({
      name: "agent",
      args: [
        "up",
        "--config",
        folders.agentConfig,
        "--log-format",
        "json",
        "--die-with-stdin",
        ...this.#cleaning,
      ],
      ...(logs.agent ? { onLog: logs.agent } : {}),
    });
    this.#agent = child;
    return await this.#orEnd(
      child,
      this.eventually("the agent answers on its socket", () => this.status()),
    );
  }

  async stopAgent(): Promise<boolean> {
    return await this.#agent?.stop(this.clock) ?? true;
  }

  async killAgent(): Promise<void> {
    await this.#agent?.kill();
  }

  get #children(): Child[] {
    return [this.#controlPlane, this.#agent, this.#bus]
      .filter((child) => child !== undefined);
  }

  /** A folder that is kept must not be removed, whoever dies. */
  get #cleaning(): readonly string[] {
    const { temporary, usersLock } = this.folders;
    return temporary ? ["--users-lock", usersLock] : [];
  }

  /** Stops all, the agent first, so that it can say goodbye. */
  async stop(): Promise<boolean> {
    const agent = await this.stopAgent();
    const controlPlane = await this.stopControlPlane();
    // A nats-server that was asked to stop says so with exit code 1.
    await this.#bus?.stop(this.clock);
    return agent && controlPlane;
  }

  /** Whether any child process is still there. */
  get anyRunning(): boolean {
    return this.#children.some((child) => child.running);
  }

  async status(): Promise<StatusDocument> {
    const answer = await call(this.folders.socket, "GET", "/v1/status");
    return answer.body as StatusDocument;
  }

  /**
   * Looks until `look` gives something, that is, neither throws because the
   * agent is not there nor returns `undefined`.
   *
   * @throws {Error} naming `what` when it takes too long.
   */
  async eventually<T>(
    what: string,
    look: () => Promise<T | undefined>,
    limitMs = START_LIMIT_MS,
  ): Promise<T> {
    const { clock, signal } = this.#options;
    const deadline = clock.elapsed() + limitMs;
    let last: unknown;
    while (clock.elapsed() < deadline) {
      try {
        const found = await look();
        if (found !== undefined) return found;
      } catch (error) {
        if (!(error instanceof LocalCallError)) throw error;
        last = error;
      }
      await clock.sleep(LOOK_EVERY_MS, signal);
    }
    throw new Error(`Waited in vain: ${what}`, { cause: last });
  }

  async #orEnd<T>(child: Child, wanted: Promise<T>): Promise<T> {
    const ended = child.ended.then(({ code }): never => {
      throw new Error(
        `The ${child.options.name} ended with exit code ${code}`,
      );
    });
    ended.catch(() => {});
    return await Promise.race([wanted, ended]);
  }
}

/** Where the sockets are. */
export function socketFolder(folders: DevFolders): string {
  return dirname(folders.socket);
}
