import type { Http, RawAnswer } from "./http.ts";

/** What is used of an answer of `node:http`. */
interface IncomingMessage extends AsyncIterable<Uint8Array> {
  readonly statusCode?: number;
  readonly rawHeaders: readonly string[];
}

/** What is used of `node:http`. */
interface NodeHttp {
  request(
    options: Readonly<Record<string, unknown>>,
    answered: (message: IncomingMessage) => void,
  ): {
    on(event: "error", listener: (error: Error) => void): void;
    end(body?: string): void;
  };
}

/** Node from 20.16 on; other runtimes that know `process` may have it too. */
interface Runtime {
  readonly process?: {
    readonly getBuiltinModule?: (name: string) => NodeHttp;
  };
}

/**
 * `node:http`. It is asked for by name, not imported: bundled, an import would
 * load it at the start of every program.
 */
export const nodeHttp: Http = {
  open(target, { method, path, headers, body, signal }): Promise<RawAnswer> {
    const url = typeof target === "string" ? undefined : new URL(target.url);
    const base = url?.pathname.replace(/\/+$/, "") ?? "";
    return new Promise((resolve, reject) => {
      const asked = builtIn(url?.protocol === "https:" ? "https" : "http")
        .request({
          ...(url
            ? { host: url.hostname.replace(/^\[|\]$/g, ""), port: url.port }
            : { socketPath: target, host: "localhost" }),
          method,
          path: base + path,
          headers: {
            ...headers,
            ...(body === undefined
              ? {}
              : { "content-length": new TextEncoder().encode(body).length }),
          },
          // A connection of its own, closed with the answer.
          agent: false,
          signal,
        }, (message) =>
          resolve({
            status: message.statusCode ?? 0,
            headers: headersOf(message),
            chunks: message,
          }));
      asked.on("error", reject);
      asked.end(body);
    });
  },

  reason(_target, failure) {
    switch (codeOf(failure)) {
      case "EACCES":
      case "EPERM":
        return Promise.resolve("no_permission");
      case "ECONNREFUSED":
      case "ENOENT":
      case "ENOTDIR":
        return Promise.resolve("not_running");
      default:
        return Promise.resolve("bad_answer");
    }
  },
};

function builtIn(name: "http" | "https"): NodeHttp {
  const { process }: Runtime = globalThis;
  const found = process?.getBuiltinModule?.(`node:${name}`);
  if (found) return found;
  throw new TypeError(
    "Cannot ask the agent: this needs Deno, or Node from 20.16 on",
  );
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    headers.append(rawHeaders[at]!, rawHeaders[at + 1]!);
  }
  return headers;
}

function codeOf(failure: unknown): unknown {
  return typeof failure === "object" && failure !== null && "code" in failure
    ? failure.code
    : undefined;
}
