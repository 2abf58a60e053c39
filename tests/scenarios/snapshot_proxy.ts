import { SNAPSHOT_MEDIA_TYPE } from "../../src/wire/signed_snapshot.ts";

/** The answer to a pull. */
export interface StateAnswer {
  readonly text: string;
  /** @default that of a signed snapshot */
  readonly contentType?: string;
}

/** Stands between agent and control plane, and changes the answers to pulls. */
export class SnapshotProxy implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #closing = new AbortController();
  /** Signed snapshots that the control plane has answered, oldest first. */
  readonly seen: string[] = [];
  /** Says what a pull is answered instead; undefined passes it on. */
  forge: (genuine: string) => StateAnswer | undefined = () => undefined;

  /** @param target Says where the control plane is, for each request anew. */
  constructor(readonly target: () => string) {
    this.#server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      onListen() {},
    }, (request) => this.#forward(request));
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#server.shutdown();
  }

  async #forward(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const headers = new Headers(request.headers);
    for (const name of ["host", "connection", "content-length"]) {
      headers.delete(name);
    }
    const answer = await fetch(this.target() + pathname, {
      method: request.method,
      headers,
      body: request.body ? await request.arrayBuffer() : null,
      signal: this.#closing.signal,
    }).catch(() => new Response("not there", { status: 502 }));
    const kept = new Headers(answer.headers);
    for (const name of ["content-encoding", "content-length"]) {
      kept.delete(name);
    }
    const { status } = answer;
    if (kept.get("content-type") !== SNAPSHOT_MEDIA_TYPE) {
      return new Response(answer.body, { status, headers: kept });
    }
    const genuine = await answer.text();
    if (this.seen.at(-1) !== genuine) this.seen.push(genuine);
    const forged = this.forge(genuine);
    if (forged?.contentType) kept.set("content-type", forged.contentType);
    return new Response(forged?.text ?? genuine, { status, headers: kept });
  }
}
