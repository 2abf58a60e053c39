import type { Http, RawAnswer, RawRequest, Target } from "./http.ts";

/**
 * The host that requests name; a socket knows none. A name might be looked up,
 * for seconds where that fails, and `NO_PROXY` may hold what is on this machine:
 * the runtime would then not take the socket. This address is for documents.
 */
const HOST = "http://192.0.2.1";

/** `fetch`, which takes a socket for a proxy. */
export const denoHttp: Http = {
  async open(target, request): Promise<RawAnswer> {
    const client = Deno.createHttpClient(
      typeof target === "string"
        ? { proxy: { transport: "unix", path: target } }
        : {},
    );
    try {
      const { method, headers, body = null, signal } = request;
      const answer = await fetch(urlOf(target, request), {
        client,
        method,
        headers,
        body,
        redirect: "manual",
        signal,
      });
      const { status } = answer;
      return {
        status,
        headers: answer.headers,
        chunks: readAndClose(answer, client),
      };
    } catch (error) {
      client.close();
      throw error;
    }
  },

  /** `fetch` does not say, but a connection does. */
  async reason(target) {
    try {
      (await connect(target)).close();
      return "bad_answer";
    } catch (error) {
      const isRefused = error instanceof Deno.errors.PermissionDenied ||
        error instanceof Deno.errors.NotCapable;
      return isRefused ? "no_permission" : "not_running";
    }
  },
};

function urlOf(target: Target, { path }: RawRequest): string {
  return `${
    typeof target === "string" ? HOST : target.url.replace(/\/+$/, "")
  }${path}`;
}

async function* readAndClose(
  answer: Response,
  client: Deno.HttpClient,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const bytes of answer.body ?? []) yield bytes;
  } finally {
    client.close();
  }
}

async function connect(target: Target): Promise<Deno.Conn> {
  if (typeof target === "string") {
    return await Deno.connect({ transport: "unix", path: target });
  }
  const { protocol, hostname, port } = new URL(target.url);
  return await Deno.connect({
    hostname: hostname.replace(/^\[|\]$/g, ""),
    port: Number(port || (protocol === "https:" ? 443 : 80)),
  });
}
