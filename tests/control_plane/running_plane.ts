import assert from "node:assert/strict";
import {
  type ControlPlane,
  type ControlPlaneOptions,
  createControlPlane,
} from "../../src/control_plane/control_plane.ts";
import { type Clock, systemClock } from "../../src/platform/clock.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { encodeBase64 } from "../../src/wire/base64.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { SseReader } from "./sse_reader.ts";

/** An answer whose body has been read, so that no test leaves one open. */
export class Answer {
  constructor(
    readonly status: number,
    readonly headers: Headers,
    readonly text: string,
  ) {}

  get json(): Record<string, unknown> {
    return JSON.parse(this.text);
  }

  /** Asserts that this is a problem document with a status and code. */
  assertProblem(status: number, code: string): void {
    assert.equal(this.status, status, this.text);
    assert.equal(this.headers.get("content-type"), "application/problem+json");
    assert.equal(this.json["status"], status);
    assert.equal(this.json["code"], code);
  }
}

export interface CallOptions {
  readonly bearer?: string;
  /** Text or bytes are sent as they are, anything else as JSON. */
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

type PlaneOptions = Pick<
  ControlPlaneOptions,
  | "artifactsDir"
  | "publicUrl"
  | "snapshotLifetimeMs"
  | "signedStates"
  | "without"
  | "reachability"
  | "messageBus"
>;

/** Of a message bus that nobody answers for. */
export const BUS_AWAY = { servers: ["nats://127.0.0.1:1"] };

/**
 * A control plane on real files and a real port, with time that stands still, or
 * goes on where something beside it goes by the time of the machine.
 */
export class RunningPlane implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly log = new MemoryLog();
  #plane!: ControlPlane;
  #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  private constructor(
    readonly dataDir: string,
    readonly options: PlaneOptions,
    readonly isLive: boolean,
  ) {}

  static async start(
    options: PlaneOptions = {},
    isLive = false,
  ): Promise<RunningPlane> {
    const dataDir = await Deno.makeTempDir({ prefix: "plexd-cp-" });
    const running = new RunningPlane(dataDir, options, isLive);
    await running.#start();
    return running;
  }

  /** What the control plane goes by. */
  get time(): Clock {
    return this.isLive ? systemClock : this.clock;
  }

  get url(): string {
    return this.#plane.url;
  }

  get adminToken(): string {
    return Deno.readTextFileSync(this.#plane.adminTokenFile).trim();
  }

  async #start(more: Pick<ControlPlaneOptions, "newEpoch"> = {}) {
    this.#stop = new AbortController();
    this.#plane = await createControlPlane({
      dataDir: this.dataDir,
      listen: { hostname: "127.0.0.1", port: 0 },
      ...this.options,
      ...more,
      version: "1.2.3",
      io: {
        clock: this.time,
        random: systemRandom,
        log: this.log,
      },
    });
    this.#running = this.#plane.run(this.#stop.signal);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Stops it and starts it again on the same files; the port may change. */
  async restart(
    more: Pick<ControlPlaneOptions, "newEpoch"> = {},
  ): Promise<void> {
    await this.stop();
    await this.#start(more);
  }

  async call(
    method: string,
    path: string,
    options: CallOptions = {},
  ): Promise<Answer> {
    const answer = await this.#fetch(method, path, options);
    return new Answer(answer.status, answer.headers, await answer.text());
  }

  /** A call below `/admin/v1` as the operator. */
  admin(method: string, path: string, body?: unknown): Promise<Answer> {
    return this.call(method, `/admin/v1${path}`, {
      bearer: this.adminToken,
      body,
    });
  }

  async token(body: Record<string, unknown> = {}): Promise<string> {
    const answer = await this.admin("POST", "/tokens", body);
    assert.equal(answer.status, 201, answer.text);
    return String(answer.json["token"]);
  }

  register(
    token: string,
    body: Record<string, unknown> = {},
  ): Promise<Answer> {
    return this.call("POST", "/v1/register", {
      bearer: token,
      body: { token, public_key: newPublicKey(), hostname: "web-1", ...body },
    });
  }

  /** A new node, as it comes out of a registration. */
  async join(domain?: string): Promise<TestNode> {
    const token = await this.token(domain ? { domain } : {});
    const answer = await this.register(token);
    assert.equal(answer.status, 201, answer.text);
    return new TestNode(this, answer.json);
  }

  async openStream(
    path: string,
    bearer: string,
    lastEventId?: string,
  ): Promise<SseReader> {
    const answer = await this.#fetch("GET", path, {
      bearer,
      headers: {
        accept: "text/event-stream",
        ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }),
      },
    });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-type"), "text/event-stream");
    assert.ok(answer.body);
    return new SseReader(answer.body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.dataDir, { recursive: true });
  }

  #fetch(method: string, path: string, options: CallOptions) {
    const { bearer, body, headers } = options;
    return fetch(this.url + path, {
      method,
      headers: {
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        ...headers,
      },
      body: body === undefined
        ? null
        : typeof body === "string" || body instanceof Uint8Array
        ? body as BodyInit
        : JSON.stringify(body),
      redirect: "manual",
    });
  }
}

/** A registered node as the tests see it. */
export class TestNode {
  readonly id: string;
  readonly secretKey: string;
  readonly meshIp: string;
  readonly signingKey: string;
  readonly domainId: string;

  constructor(readonly plane: RunningPlane, answer: Record<string, unknown>) {
    this.id = String(answer["node_id"]);
    this.secretKey = String(answer["node_secret_key"]);
    this.meshIp = String(answer["mesh_ip"]);
    this.signingKey = String(answer["signing_public_key"]);
    this.domainId = String(answer["domain_id"]);
  }

  call(method: string, path: string, body?: unknown): Promise<Answer> {
    return this.plane.call(method, `/v1/nodes/${this.id}${path}`, {
      bearer: this.secretKey,
      body,
    });
  }

  events(lastEventId?: string): Promise<SseReader> {
    const path = `/v1/nodes/${this.id}/events`;
    return this.plane.openStream(path, this.secretKey, lastEventId);
  }

  /** A call of the admin API about this node, which must succeed. */
  async admin(method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await this.plane.admin(
      method,
      `/nodes/${this.id}${path}`,
      body,
    );
    assert.ok(answer.status < 300, `${answer.status} ${answer.text}`);
    return answer;
  }
}

export function newPublicKey(): string {
  return encodeBase64(systemRandom.bytes(32));
}
