import type { Client, Dispatcher } from "undici";
import { gunzip } from "./gunzip.ts";
import type { Transport, TransportRequest } from "./transport.ts";

/** Options for {@linkcode openInsecureTransport}. */
export interface InsecureTransportOptions {
  /** Time to connect, ms. */
  readonly connectTimeoutMs: number;
  /** PEM of the client certificate and its key. */
  readonly clientCertificate?: { readonly cert: string; readonly key: string };
}

/**
 * Most bytes that have come and were not taken. Some versions of the runtime
 * cannot hold a TLS connection back, so what is too much ends it.
 */
const MAX_AHEAD_BYTES = 64 * 1024 * 1024;

/**
 * A transport that does not check certificates, for this client alone: the
 * runtime's own `fetch` cannot do without. Everything that trusts the
 * connection must look at {@linkcode Transport.insecure}. It uses no proxy.
 *
 * Each call has a connection of its own, which its signal ends at any point,
 * while it is being made, too. Deno 2.7 never gives the descriptor of a TLS
 * handshake back that is ended so, whatever is closed.
 */
export async function openInsecureTransport(
  options: InsecureTransportOptions,
): Promise<Transport> {
  // Loaded only when it is wanted: it costs time and memory at start.
  const { Client } = await import("./undici_library.ts");
  const { connectTimeoutMs: timeout, clientCertificate } = options;
  return {
    insecure: true,
    async send(url, request) {
      const { origin, pathname, search } = new URL(url);
      const { signal } = request;
      signal.throwIfAborted();
      const client = new Client(origin, {
        // Without the signal, an attempt to connect would go on.
        connect: {
          rejectUnauthorized: false,
          ...clientCertificate,
          timeout,
          signal,
        },
        // Headers and bodies have the time that the caller gives them.
        headersTimeout: 0,
        bodyTimeout: 0,
      });
      return await dispatch(client, pathname + search, request);
    },
    close() {},
  };
}

function dispatch(
  client: Client,
  path: string,
  { method, headers, body, signal }: TransportRequest,
): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  let answer: AnswerBody | undefined;
  const end = (reason?: Error) => {
    signal.removeEventListener("abort", abort);
    // It would connect anew, for calls that do not come.
    client.destroy(reason ?? null, () => {});
  };
  const fail = (error: Error) => {
    answer?.fail(error);
    reject(error);
    end(error);
  };
  const abort = () => fail(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  const options = {
    path,
    method: method as Dispatcher.HttpMethod,
    headers: { ...headers },
    body: body ?? null,
    reset: true,
  };
  client.dispatch(options, {
    // The library wants one: by it, it knows this form of handler.
    onRequestStart() {},
    onResponseStart(_request, status, headers) {
      // Such as 103, with the answer still to come.
      if (status >= 100 && status < 200) return;
      answer = new AnswerBody(fail);
      resolve(responseOf(status, headers, answer.stream));
    },
    onResponseData: (_request, bytes) => answer?.push(bytes),
    onResponseEnd() {
      answer?.end();
      end();
    },
    onResponseError: (_request, error) => fail(error),
  });
  return promise;
}

/** Bytes of an answer on their way to its reader. */
class AnswerBody {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #abort: (reason: Error) => void;
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  #over = false;

  constructor(abort: (reason: Error) => void) {
    this.#abort = abort;
    this.stream = new ReadableStream({
      start: (controller) => void (this.#controller = controller),
      cancel: () => {
        this.#over = true;
        abort(new Error("The answer was not read to its end"));
      },
    }, { highWaterMark: MAX_AHEAD_BYTES, size: (bytes) => bytes.length });
  }

  push(bytes: Uint8Array) {
    if (this.#over) return;
    this.#controller.enqueue(new Uint8Array(bytes));
    if ((this.#controller.desiredSize ?? 0) >= 0) return;
    this.#abort(new Error("The answer comes faster than it is taken"));
  }

  end() {
    if (!this.#over) this.#controller.close();
    this.#over = true;
  }

  fail(error: Error) {
    if (!this.#over) this.#controller.error(error);
    this.#over = true;
  }
}

/** As `fetch` gives it: decoded, and without a body where there can be none. */
function responseOf(
  status: number,
  fields: Readonly<Record<string, string | string[] | undefined>>,
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): Response {
  const headers = new Headers();
  for (const [name, values] of Object.entries(fields)) {
    for (const value of [values ?? []].flat()) headers.append(name, value);
  }
  if (status === 204 || status === 205 || status === 304) {
    return new Response(null, { status, headers });
  }
  const isGzip = headers.get("content-encoding")?.toLowerCase() === "gzip";
  return new Response(isGzip ? gunzip(body) : body, { status, headers });
}
