/** An answer of the control plane on its way to the agent. */
export interface Passing {
  readonly pathname: string;
  readonly headers: Headers;
  /** Whether the status is one of success. */
  readonly ok: boolean;
}

/** Changes an answer; undefined passes it on as it comes. */
export type Change = (
  passing: Passing,
  text: () => Promise<string>,
) => Promise<string | undefined>;

/**
 * Stands between agent and control plane. Answers pass as they come, event
 * streams too, except where `change` puts another text in their place.
 */
export class Forwarder implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #closing = new AbortController();
  readonly #target: () => string;
  readonly #change: Change;

  /** @param target Says where the control plane is, for each request anew. */
  constructor(target: () => string, change: Change) {
    this.#target = target;
    this.#change = change;
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
    const answer = await fetch(this.#target() + pathname, {
      method: request.method,
      headers: without(request.headers, "host", "connection", "content-length"),
      body: request.body ? await request.arrayBuffer() : null,
      signal: this.#closing.signal,
    }).catch(() => new Response("not there", { status: 502 }));
    const { status, ok } = answer;
    const headers = without(
      answer.headers,
      "content-encoding",
      "content-length",
    );
    const changed = await this.#change(
      { pathname, headers, ok },
      () => answer.text(),
    );
    return new Response(changed ?? answer.body, { status, headers });
  }
}

function without(headers: Headers, ...names: readonly string[]): Headers {
  const kept = new Headers(headers);
  for (const name of names) kept.delete(name);
  return kept;
}
