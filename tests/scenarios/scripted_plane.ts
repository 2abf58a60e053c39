import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { encodeBase64 } from "../../src/wire/base64.ts";
import type { Dialect } from "../../src/wire/dialect.ts";
import { CutWire, type RawAnswer } from "./cut_wire.ts";
import { type PlaneForm, planeForm } from "./plane_form.ts";

/** What of the node surface a scenario can answer differently. */
export type Surface =
  | "register"
  | "state"
  | "events"
  | "heartbeat"
  | "secret"
  | "report"
  | "drift"
  | "execution"
  | "rotate";

/** One request that reached the scripted control plane. */
export interface SeenRequest {
  readonly surface: Surface | undefined;
  /** As it stood in the request line, still encoded. */
  readonly path: string;
  /** The bearer, if there was one. */
  readonly bearer?: string;
  /** The bootstrap token of a registration, wherever the dialect has it. */
  readonly token?: string;
  /** Names of its headers. */
  readonly headers: readonly string[];
}

/** How a scenario answers a request; not at all while it does not resolve. */
export type ScriptedAnswer = (
  request: Request,
) => Response | Promise<Response>;

/** What an event can differ in from a good one. */
export interface EventFields {
  readonly id?: string;
  readonly nonce?: string;
  readonly issuedAtMs?: number;
}

const encoder = new TextEncoder();

/** A control plane that says what a scenario wants, with real signatures. */
export class ScriptedPlane implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #wire: CutWire;
  readonly #stop = new AbortController();
  readonly #privateKey: KeyObject;
  readonly #publicKey: string;
  readonly #streams = new Set<
    ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>
  >();
  #events = 0;
  /** How it speaks. */
  readonly form: PlaneForm;
  readonly requests: SeenRequest[] = [];
  /** The document that a good pull answers, as text. */
  state = "{}";
  /** Answers instead of the good ones. */
  answers: { [Name in Surface]?: ScriptedAnswer } = {};
  /** Who the next one to register is. */
  nodeId: string;
  nodeSecretKey: string;
  /** How far this clock is ahead of the agents', ms. */
  aheadMs = 0;

  constructor(dialect: Dialect = 1) {
    this.form = planeForm(dialect);
    this.nodeId = this.form.nodeId;
    this.nodeSecretKey = this.form.nodeSecretKey;
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    this.#privateKey = privateKey;
    const der = publicKey.export({ format: "der", type: "spki" });
    this.#publicKey = encodeBase64(new Uint8Array(der.subarray(-32)));
    this.#server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      signal: this.#stop.signal,
      onListen() {},
    }, (request) => this.#answer(request));
    this.#wire = new CutWire(this.#server.addr.port);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#wire.port}`;
  }

  /** Cuts all connections, in the middle of whatever they carry. */
  cut(): void {
    this.#wire.cut();
  }

  /** Cuts all connections, and answers whatever comes with these bytes. */
  speakRaw(raw: RawAnswer | undefined): void {
    this.#wire.raw = raw;
    this.cut();
  }

  /** Takes a request and says nothing, for as long as there is this server. */
  readonly silence = (): Promise<Response> =>
    new Promise((resolve) => {
      const end = () => resolve(new Response());
      if (this.#stop.signal.aborted) end();
      else this.#stop.signal.addEventListener("abort", end, { once: true });
    });

  /** How many event streams are open. */
  get streaming(): number {
    return this.#streams.size;
  }

  /** The signing key as nodes know it. */
  get publicKey(): string {
    return this.#publicKey;
  }

  /** Ends all event streams, so that agents connect and pull anew. */
  endStreams(): void {
    for (const stream of this.#streams) stream.close();
    this.#streams.clear();
  }

  /** Sends bytes to all event streams as they are. */
  sendBytes(bytes: Uint8Array<ArrayBuffer>): void {
    for (const stream of this.#streams) stream.enqueue(bytes);
  }

  sendText(text: string): void {
    this.sendBytes(encoder.encode(text));
  }

  /** Sends a well-signed event. @returns what was sent. */
  sendEvent(type: string, payload: string, fields: EventFields = {}): string {
    const frame = this.frame(type, payload, fields);
    this.sendText(frame);
    return frame;
  }

  /** A well-signed event as it stands in a stream. */
  frame(type: string, payload: string, fields: EventFields = {}): string {
    const number = ++this.#events;
    const { id = `evt-${number}`, nonce = `nonce-${number}` } = fields;
    const issuedAt = new Date(
      fields.issuedAtMs ?? Date.now() + this.aheadMs,
    ).toISOString();
    const event = { type, id, issuedAt, nonce, payload };
    const data = this.form.envelope(event, this.nodeId, (text) =>
      encodeBase64(
        new Uint8Array(sign(null, encoder.encode(text), this.#privateKey)),
      ));
    return `id: ${number}\nevent: ${type}\ndata: ${data}\n\n`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#wire.close();
    this.#stop.abort();
    await this.#server.finished;
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname: path } = new URL(request.url);
    const surface = surfaceOf(path);
    const bearer = request.headers.get("authorization")
      ?.replace(/^Bearer /, "");
    const token = surface === "register"
      ? this.form.tokenIn(await request.clone().json())
      : undefined;
    this.requests.push({
      surface,
      path,
      ...(bearer === undefined ? {} : { bearer }),
      ...(token === undefined ? {} : { token }),
      headers: [...request.headers.keys()],
    });
    if (surface === undefined) return new Response(null, { status: 404 });
    const other = this.answers[surface];
    const answer = other ? await other(request) : this.#good(surface);
    if (this.aheadMs !== 0) {
      const now = new Date(Date.now() + this.aheadMs);
      answer.headers.set("date", now.toUTCString());
    }
    return answer;
  }

  #good(surface: Surface): Response {
    switch (surface) {
      case "register":
        return Response.json(
          this.form.registration(
            this.nodeId,
            this.nodeSecretKey,
            this.#publicKey,
          ),
        );
      case "state":
        return new Response(this.state);
      case "events":
        return this.#openStream();
      case "secret":
        return new Response(null, { status: 404 });
      default:
        return Response.json({});
    }
  }

  #openStream(): Response {
    let own: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => {
        own = controller;
        this.#streams.add(controller);
        controller.enqueue(encoder.encode(": hello\n\n"));
      },
      cancel: () => {
        this.#streams.delete(own);
      },
    });
    return new Response(body, {
      headers: { "content-type": "text/event-stream" },
    });
  }
}

function surfaceOf(path: string): Surface | undefined {
  if (path === "/v1/register") return "register";
  if (path === "/v1/keys/rotate") return "rotate";
  const [, name] =
    /^\/v1\/nodes\/[a-z0-9-]+\/(state\/reports|[a-z]+)(?:\/|$)/.exec(path) ??
      [];
  switch (name) {
    case "state":
    case "events":
    case "heartbeat":
    case "report":
    case "drift":
      return name;
    case "state/reports":
      return "report";
    case "secrets":
      return "secret";
    case "executions":
      return "execution";
    default:
      return undefined;
  }
}
