/** What the relay does with one answer: it may be cut short. */
export type Verdict = "pass" | "cut";

/** What a registration gave, in either dialect. */
export interface Registered {
  readonly node_id: string;
  /** Text of the node's key. */
  readonly secret: string;
}

/** Stands between agent and control plane, and may lose a registration's answer. */
export class Relay implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #closing = new AbortController();
  /** What the control plane answered to registrations, passed on or not. */
  readonly registerAnswers: Registered[] = [];
  /** Decides about each answer to a registration, before the agent sees it. */
  onRegistered: () => Verdict | Promise<Verdict> = () => "pass";

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
    if (pathname !== "/v1/register" || !answer.ok) {
      return new Response(answer.body, { status, headers: kept });
    }
    const text = await answer.text();
    const { node_id, node_secret_key, nsk } = JSON.parse(text);
    this.registerAnswers.push({ node_id, secret: node_secret_key ?? nsk });
    if (await this.onRegistered() === "cut") {
      const half = text.slice(0, text.length / 2);
      return new Response(half, { status, headers: kept });
    }
    return new Response(text, { status, headers: kept });
  }
}
