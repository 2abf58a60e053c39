import { TextLineStream } from "./text_lines.ts";

/** An event frame as it went over the wire. */
export interface Frame {
  /** The text of its `data` field. */
  readonly data: string;
}

/** Headers that belong to one hop, or that a decoded body no longer fits. */
const NOT_FORWARDED = [
  "connection",
  "content-encoding",
  "content-length",
  "host",
  "transfer-encoding",
];

/**
 * The attacker of the tour: stands between agent and control plane, passes
 * everything on, keeps copies of the events it sees, and can put frames of its
 * own into the stream.
 *
 * A real one would need to break TLS first; on loopback the agent speaks plain
 * HTTP, so what protects it here is the signature alone.
 */
export class HostileProxy {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #frames: Frame[] = [];
  readonly #streams = new Set<
    ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>
  >();
  readonly #pumps = new Set<Promise<void>>();
  readonly #closing = new AbortController();

  /** @param target Says where the control plane is, for each request anew. */
  constructor(readonly target: () => string) {
    this.#server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      onListen() {},
      onError: () => new Response("the proxy failed", { status: 502 }),
    }, (request) => this.#forward(request));
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** Genuine frames seen so far, oldest first. */
  get frames(): readonly Frame[] {
    return this.#frames;
  }

  /** Puts a frame into every open event stream. */
  inject(frame: Frame): void {
    const lines = frame.data.split("\n").map((line) => `data: ${line}\n`);
    const bytes = new TextEncoder().encode(`${lines.join("")}\n`);
    for (const stream of this.#streams) stream.enqueue(bytes);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#pumps);
    await this.#server.shutdown();
  }

  async #forward(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    const headers = new Headers(request.headers);
    for (const name of NOT_FORWARDED) {
      // The request's body is passed on as it came, still encoded.
      if (name !== "content-encoding") headers.delete(name);
    }
    headers.set("accept-encoding", "identity");
    let answer: Response;
    try {
      answer = await fetch(this.target() + pathname + search, {
        method: request.method,
        headers,
        body: request.body ? await request.arrayBuffer() : null,
        redirect: "manual",
        signal: this.#closing.signal,
      });
    } catch {
      return new Response("the control plane is not there", { status: 502 });
    }
    const answerHeaders = new Headers(answer.headers);
    for (const name of NOT_FORWARDED) answerHeaders.delete(name);
    const isStream = answer.headers.get("content-type")
      ?.startsWith("text/event-stream");
    return new Response(
      isStream && answer.body ? this.#watch(answer.body) : answer.body,
      { status: answer.status, headers: answerHeaders },
    );
  }

  /** Passes a stream on chunk by chunk and copies the events out of it. */
  #watch(
    body: ReadableStream<Uint8Array<ArrayBuffer>>,
  ): ReadableStream<Uint8Array<ArrayBuffer>> {
    const [passed, copied] = body.tee();
    const reader = passed.getReader();
    this.#track(this.#copyFrames(copied));
    let out: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
    const pump = async () => {
      try {
        for (;;) {
          const { done, value } = await reader.read();
          if (done) break;
          out.enqueue(value);
        }
        out.close();
      } catch {
        // Either side is gone; the agent sees its stream end.
        try {
          out.close();
        } catch {
          // It has been closed already, by the agent.
        }
      } finally {
        this.#streams.delete(out);
      }
    };
    return new ReadableStream({
      start: (controller) => {
        out = controller;
        this.#streams.add(out);
        this.#track(pump());
      },
      cancel: async (reason) => {
        this.#streams.delete(out);
        await reader.cancel(reason);
      },
    });
  }

  async #copyFrames(body: ReadableStream<Uint8Array<ArrayBuffer>>) {
    const lines = body.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    let data: string[] = [];
    try {
      for await (const line of lines) {
        if (line.startsWith("data:")) data.push(line.slice(5).trimStart());
        else if (line === "" && data.length > 0) {
          this.#frames.push({ data: data.join("\n") });
          data = [];
        }
      }
    } catch {
      // The stream was cut; what was seen stays.
    }
  }

  #track(work: Promise<void>) {
    this.#pumps.add(work);
    work.finally(() => this.#pumps.delete(work));
  }
}
