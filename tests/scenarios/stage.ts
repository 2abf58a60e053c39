import assert from "node:assert/strict";
import { AdminClient } from "../../src/cli/admin_client.ts";
import type { Dialect } from "../../src/wire/dialect.ts";
import type { StatusDocument } from "../../src/wire/status.ts";
import { type Finished, runPlexd } from "../cli/run_plexd.ts";
import { ServedPlexd } from "../cli/served_plexd.ts";
import { call, type RawAnswer, type RawRequest } from "../node_api/raw_http.ts";
import { eventually } from "./eventually.ts";

/** What a node names itself by when it joins in dialect 2. */
const RESOURCE = {
  project_id: "0190a8b8-a0c0-7a0a-8a0a-000000000001",
  resource_handle: "a-node",
};

const LOG_FLAGS = ["--log-level=debug", "--log-format=json"];

/** What a scenario may do differently. */
export interface AgentOptions {
  /** Address of the control plane. @default that of the stage's own */
  readonly url?: string;
  /** Settings beside those that the stage decides. */
  readonly settings?: Readonly<
    Record<string, Readonly<Record<string, unknown>>>
  >;
  /** How it logs. @default as much as it can, in JSON */
  readonly logFlags?: readonly string[];
  /** Variables of its environment. */
  readonly env?: Record<string, string>;
}

/** The folder of one node, and the processes that work in it. */
export class Stage implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  #controlPlane: ServedPlexd | undefined;
  #agent: ServedPlexd | undefined;
  #url: string | undefined;
  #adminTokenFile = "";
  /** Everything that agents of this stage wrote. */
  #agents: ServedPlexd[] = [];

  private constructor(readonly folder: string, readonly dialect: Dialect) {
    this.#stack.defer(() => Deno.remove(folder, { recursive: true }));
  }

  /** @param dialect In which nodes of this stage join. */
  static async open(dialect: Dialect = 1): Promise<Stage> {
    const folder = await Deno.makeTempDir({ prefix: "plexd-story-" });
    return new Stage(folder, dialect);
  }

  get dataDir(): string {
    return `${this.folder}/agent`;
  }

  get membership(): string {
    return `${this.dataDir}/clusters/default`;
  }

  get controlPlaneDir(): string {
    return `${this.folder}/control-plane`;
  }

  /** What the control plane calls a node that joins here. */
  get nodeName(): string {
    return this.dialect === 1 ? Deno.hostname() : RESOURCE.resource_handle;
  }

  get tokenFile(): string {
    return `${this.folder}/bootstrap-token`;
  }

  get keyFile(): string {
    return `${this.folder}/machine.key`;
  }

  get socket(): string {
    return `${this.folder}/run/api.sock`;
  }

  get secretsSocket(): string {
    return `${this.folder}/run/secrets.sock`;
  }

  /** Address of the control plane; it keeps its port over restarts. */
  get url(): string {
    assert.ok(this.#url, "no control plane yet");
    return this.#url;
  }

  get agent(): ServedPlexd {
    assert.ok(this.#agent, "no agent yet");
    return this.#agent;
  }

  /** What all agents so far wrote. */
  get agentOutput(): string {
    return this.#agents.map((agent) => agent.output).join("");
  }

  get admin(): AdminClient {
    const file = this.#adminTokenFile;
    return new AdminClient(
      this.url,
      async () => (await Deno.readTextFile(file)).trim(),
    );
  }

  /** @param flags Beside those that the stage decides. */
  async startControlPlane(...flags: string[]): Promise<void> {
    const listen = this.#url ? new URL(this.#url).host : "127.0.0.1:0";
    const controlPlane = this.#stack.use(
      new ServedPlexd([
        "control-plane",
        `--listen=${listen}`,
        `--data-dir=${this.controlPlaneDir}`,
        "--log-format=json",
        "--die-with-stdin",
        ...flags,
      ]),
    );
    this.#controlPlane = controlPlane;
    const [, url, file] = await controlPlane.writes(
      /\{"listening":"(\S+)","admin_token_file":"(\S+)"\}\n/,
    );
    this.#url = url!;
    this.#adminTokenFile = file!;
  }

  /** Has the nodes of this stage join the control plane of another one. */
  shareControlPlane(other: Stage): void {
    this.#url = other.url;
    this.#adminTokenFile = other.#adminTokenFile;
  }

  async stopControlPlane(): Promise<void> {
    assert.equal(await this.#controlPlane?.stop("SIGTERM"), 0);
  }

  /** Process of the control plane that runs. */
  get controlPlanePid(): number {
    assert.ok(this.#controlPlane, "no control plane yet");
    return this.#controlPlane.pid;
  }

  /** A fresh one-time token, left where the agent will look for it. */
  async leaveToken(): Promise<string> {
    const answer = await this.admin.call("POST", "/tokens", {
      ttl: "10m",
      ...(this.dialect === 2 ? { dialect: 2 } : {}),
    });
    assert.ok(typeof answer === "object" && answer && "token" in answer);
    const token = String(answer.token);
    await Deno.writeTextFile(this.tokenFile, `${token}\n`, { mode: 0o600 });
    return token;
  }

  /** Writes the configuration of the agent. @returns the flags that name it. */
  async configure(options: AgentOptions = {}): Promise<string[]> {
    const { url = this.url, settings = {}, logFlags = LOG_FLAGS } = options;
    await Deno.mkdir(`${this.folder}/run`, { recursive: true, mode: 0o700 });
    const path = `${this.folder}/agent.yaml`;
    // JSON is YAML too.
    await Deno.writeTextFile(
      path,
      JSON.stringify({
        data_dir: this.dataDir,
        seal: { key_file: this.keyFile },
        reconcile: { interval: "1s" },
        heartbeat: { interval: "1s" },
        ...settings,
        api: { base_url: url, ...settings["api"] },
        stream: {
          backoff_base: "50ms",
          backoff_max: "200ms",
          ...settings["stream"],
        },
        registration: {
          token_file: this.tokenFile,
          ...(this.dialect === 2 ? RESOURCE : {}),
          ...settings["registration"],
        },
        node_api: {
          socket_path: this.socket,
          secrets_socket_path: this.secretsSocket,
          group: "",
          secrets_group: "",
          debounce_period: "100ms",
          shutdown_timeout: "2s",
          ...settings["node_api"],
        },
      }),
    );
    return ["--config", path, ...logFlags];
  }

  /** Starts `plexd up` without waiting for it. */
  async spawnAgent(options: AgentOptions = {}): Promise<ServedPlexd> {
    const flags = await this.configure(options);
    const agent = this.#stack.use(
      new ServedPlexd(["up", "--die-with-stdin", ...flags], options.env),
    );
    this.#agents.push(agent);
    this.#agent = agent;
    return agent;
  }

  /** Starts `plexd up` and waits until its sockets answer. */
  async startAgent(options: AgentOptions = {}): Promise<StatusDocument> {
    const agent = await this.spawnAgent(options);
    await agent.writes(/Agent started/);
    return await eventually(
      "the agent answers",
      async () => {
        const status = await this.status();
        return status.pid === agent.pid ? status : undefined;
      },
    );
  }

  async stopAgent(): Promise<void> {
    assert.equal(await this.agent.stop("SIGTERM"), 0, this.agent.output);
  }

  /** As a crash or the kernel would do it. */
  async killAgent(): Promise<void> {
    await this.agent.stop("SIGKILL");
  }

  /** Runs another command with the agent's configuration. */
  async run(...words: string[]): Promise<Finished> {
    return await runPlexd([...words, "--config", `${this.folder}/agent.yaml`]);
  }

  /** One request to the local API, its target sent byte for byte. */
  async local(target: string, request: RawRequest = {}): Promise<RawAnswer> {
    return await call(this.socket, target, request);
  }

  /** Reads a secret, since dialect 2 never names what nobody has read. */
  async learnSecret(key: string): Promise<void> {
    const target = `/v1/state/secrets/${key}`;
    const { status, body } = await call(this.secretsSocket, target);
    assert.equal(status, 200, body);
  }

  /** A local read that must succeed. @returns its body. */
  async read(target: string): Promise<string> {
    const { status, body } = await this.local(target);
    assert.equal(status, 200, `GET ${target}: ${body}`);
    return body;
  }

  async status(): Promise<StatusDocument> {
    return JSON.parse(await this.read("/v1/status"));
  }

  /** Waits until the status is as wanted. */
  async statusWhen(
    what: string,
    wanted: (status: StatusDocument) => boolean,
  ): Promise<StatusDocument> {
    return await eventually(what, async () => {
      const status = await this.status();
      return wanted(status) ? status : undefined;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
