import { restoreState } from "../../src/agent/restore_state.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { type Membership, openMembership } from "../../src/store/membership.ts";
import type { Recovery } from "../../src/store/recovery.ts";
import { loadSealKey } from "../../src/store/seal_key.ts";
import { MemoryLog } from "../../tests/fakes/memory_log.ts";
import { eventually } from "../../tests/scenarios/eventually.ts";
import { Stage } from "../../tests/scenarios/stage.ts";
import { copyFolder } from "../../tests/store/open_store.ts";
import { unexplained } from "./oracle.ts";
import type { Seeded } from "./seeded.ts";

/** Reports that the client writes, in turn. */
const REPORTS = 4;

/** A call of the system at which the agent is killed, and the count of it. */
export interface Blow {
  readonly call: string;
  readonly nth: number;
}

/** How a run of the agent went. */
export interface AgentRun {
  /** It got as far as answering. */
  readonly isReady: boolean;
  /** Exit code; undefined when it was killed. */
  readonly code: number | undefined;
  /** What it wrote. */
  readonly output: string;
}

/**
 * A node from its empty folder on: a control plane that feeds it, a client that
 * writes reports to it, and an agent that is killed again and again. Keeps what
 * the client knows: what was acknowledged, and what was served.
 */
export class AgentLife implements AsyncDisposable {
  readonly #stage: Stage;
  readonly #random: Seeded;
  /** Newest acknowledged number of each report. */
  readonly #acknowledged = new Map<string, number>();
  /** Newest number that was sent; nobody knows about it. */
  readonly #sent = new Map<string, number>();
  /** Newest number that a reader has seen of the desired state. */
  #served = 0;
  /** Newest number that the control plane was given. */
  #desired = 0;
  #nodeId: string | undefined;
  #written = 0;

  private constructor(stage: Stage, random: Seeded) {
    this.#stage = stage;
    this.#random = random;
  }

  static async begin(random: Seeded): Promise<AgentLife> {
    const stage = await Stage.open();
    try {
      await stage.startControlPlane();
      await stage.leaveToken();
      return new AgentLife(stage, random);
    } catch (error) {
      await stage[Symbol.asyncDispose]();
      throw error;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stage[Symbol.asyncDispose]();
  }

  /** Reports that were acknowledged in all. */
  get written(): number {
    return this.#written;
  }

  /**
   * Runs the agent until it is killed: at the blow, or by the client when it
   * has written enough.
   *
   * @param blow Absent for a run without strace.
   */
  async run(blow: Blow | undefined): Promise<AgentRun> {
    const flags = await this.#stage.configure();
    await using agent = new Agent(["up", ...flags], blow);
    let isReady = false;
    try {
      isReady = await agent.ready(() => this.#stage.status());
      if (isReady) await this.#use(agent);
    } catch {
      // It was killed while somebody asked it.
    }
    await agent.kill();
    return { isReady, code: await agent.code(), output: agent.output };
  }

  /** Feeds it, writes to it, reads from it, for a while. */
  async #use(agent: Agent): Promise<void> {
    const enough = 1 + this.#random.below(48);
    for (let count = 0; count < enough && !agent.hasEnded; count++) {
      this.#nodeId ??= (await this.#stage.status()).node_id;
      if (count % 3 === 0) await this.#feed(this.#nodeId);
      await this.#report(`r${count % REPORTS}`);
      await this.#read();
    }
  }

  async #feed(nodeId: string): Promise<void> {
    const number = ++this.#desired;
    const node = `/nodes/${nodeId}`;
    const { admin } = this.#stage;
    await admin.call("PUT", `${node}/metadata/number`, { value: `${number}` });
    await admin.call("PUT", `${node}/data/d${number % 3}`, {
      content_type: "text/plain",
      payload: `${number}`,
    });
  }

  async #report(key: string): Promise<void> {
    const number = (this.#sent.get(key) ?? 0) + 1;
    this.#sent.set(key, number);
    const { status, body } = await this.#stage.local(
      `/v1/state/report/${key}`,
      {
        method: "PUT",
        body: JSON.stringify({ content_type: "text/plain", payload: number }),
      },
    );
    if (status !== 200) throw new Error(`${status} ${body}`);
    this.#acknowledged.set(key, number);
    this.#written++;
  }

  async #read(): Promise<void> {
    const { status, body } = await this.#stage.local(
      "/v1/state/metadata/number",
    );
    if (status === 200) this.#served = Number(JSON.parse(body).value);
  }

  /**
   * What is wrong with what is on disk, without a control plane: found in a
   * copy, so that the next start of the agent meets the crash itself.
   *
   * @throws whatever refuses the opening.
   */
  async look(): Promise<string | undefined> {
    // Nothing was begun before there is a key.
    if (!isThere(this.#stage.keyFile)) return undefined;
    const copy = `${this.#stage.folder}/copy`;
    copyFolder(this.#stage.dataDir, copy);
    const recovered: Recovery[] = [];
    try {
      await using store = await this.#open(copy, recovered);
      return this.#lossIn(store) ?? await this.#stateLossIn(store) ??
        toldIn(recovered);
    } finally {
      await Deno.remove(copy, { recursive: true });
    }
  }

  async #open(dataDir: string, recovered: Recovery[]): Promise<Membership> {
    const random = systemRandom;
    const seal = await loadSealKey({
      keyFile: this.#stage.keyFile,
      create: false,
      random,
    });
    return await openMembership({
      dataDir,
      cluster: "default",
      seal,
      clock: systemClock,
      random,
      log: new MemoryLog(),
      recovered: (recovery) => recovered.push(recovery),
    });
  }

  #lossIn({ reports }: Membership): string | undefined {
    for (const [key, sent] of this.#sent) {
      const least = this.#acknowledged.get(key) ?? 0;
      const found = Number(reports.get(key)?.payload ?? 0);
      if (found >= least && found <= sent) continue;
      return `report ${key} is ${found} instead of ${least} to ${sent}`;
    }
    return undefined;
  }

  async #stateLossIn(store: Membership): Promise<string | undefined> {
    const identity = await store.identity.load();
    if (!identity) {
      return this.#nodeId && `the identity of ${this.#nodeId} is gone`;
    }
    await restoreState(store, identity, {
      clock: systemClock,
      random: systemRandom,
      log: new MemoryLog(),
    });
    const found = Number(store.state.view.metadata.get("number") ?? 0);
    if (found >= this.#served && found <= this.#desired) return undefined;
    return `the state is ${found} instead of ${this.#served} to ` +
      `${this.#desired}`;
  }

  /**
   * At the end of its life: a plain start, and everything has to arrive on both
   * sides.
   */
  async settle(): Promise<void> {
    await this.#stage.startAgent();
    const wanted = `${this.#desired}`;
    await eventually("state and reports have arrived", async () => {
      const { sync } = await this.#stage.status();
      if (sync.pending > 0) return undefined;
      if (this.#desired === 0) return true;
      await this.#read();
      return `${this.#served}` === wanted || undefined;
    });
    await this.#stage.stopAgent();
  }
}

/** What a crash does not explain; a snapshot that was being checked is none. */
function toldIn(recovered: readonly Recovery[]): string | undefined {
  const told = unexplained(recovered)
    .find(({ file }) => file !== "snapshots/pending.sealed");
  return told && `${told.file}: ${told.what}`;
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/** `plexd up` as a process, under strace when there is a blow to be dealt. */
class Agent implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #reading: Promise<unknown>;
  readonly #isTraced: boolean;
  #status: Deno.CommandStatus | undefined;
  output = "";

  constructor(args: readonly string[], blow: Blow | undefined) {
    const main = new URL("../../main.ts", import.meta.url).pathname;
    const words = [Deno.execPath(), "run", "-A", "--no-prompt", main, ...args];
    const [program, ...rest] = blow ? [...tracing(blow), ...words] : words;
    this.#isTraced = blow !== undefined;
    this.#process = new Deno.Command(program!, {
      args: rest,
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#process.status.then((status) => this.#status = status);
    this.#reading = Promise.all([
      this.#read(this.#process.stdout),
      this.#read(this.#process.stderr),
    ]);
  }

  get hasEnded(): boolean {
    return this.#status !== undefined;
  }

  /**
   * @param ask Fails as long as the agent does not answer.
   * @returns whether it answers; else it has ended.
   */
  async ready(ask: () => Promise<unknown>): Promise<boolean> {
    return await eventually("the agent answers or ends", async () => {
      if (this.#status) return false;
      if (!this.output.includes("Agent started")) return undefined;
      await ask();
      return true;
    });
  }

  /** Kills the agent; the strace that watches it ends with it. */
  async kill(): Promise<void> {
    const { pid } = this.#process;
    if (!this.#status) killNow(this.#isTraced ? tracedBy(pid) : pid);
    await this.#process.status;
    await this.#reading;
  }

  async code(): Promise<number | undefined> {
    const { code, signal } = await this.#process.status;
    return signal === null ? code : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.output += text;
    }
  }
}

/** The process that a strace has started; itself before it has. */
function tracedBy(pid: number): number {
  const children = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`);
  return Number.parseInt(children) || pid;
}

function killNow(pid: number) {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function tracing({ call, nth }: Blow): string[] {
  return [
    "strace",
    "-f",
    "-o",
    "/dev/null",
    "-e",
    `trace=${call}`,
    "-e",
    // Counted for each thread by itself.
    `inject=${call}:signal=SIGKILL:when=${nth}`,
  ];
}
