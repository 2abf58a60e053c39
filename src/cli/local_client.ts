import { type Clock, systemClock } from "../platform/clock.ts";

/** Longest wait for a whole answer: the agent is on this machine. */
const LIMIT_MS = 30_000;
/** Far more than an agent keeps in one answer. */
const MAX_BYTES = 64 * 2 ** 20;

/** What the agent answered. */
export interface LocalAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Decoded JSON; `undefined` for an empty body. */
  readonly body: unknown;
  /** The body as it came: numbers keep their text. */
  readonly text: string;
}

/** The agent could not be asked. */
export class LocalCallError extends Error {
  override readonly name = "LocalCallError";

  constructor(
    readonly kind:
      | "not_running"
      | "no_permission"
      | "no_answer"
      | "bad_answer",
    message: string,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

/**
 * The host that requests name; a socket knows none. A name might be looked up,
 * for seconds where that fails, and `NO_PROXY` may hold what is on this machine:
 * the runtime would then not take the socket. This address is for documents.
 */
const HOST = "192.0.2.1";

/**
 * One request to the running agent over a fresh connection.
 *
 * Any status is an answer; what it means is for the caller to say.
 *
 * @param path With its query, each key percent-encoded.
 * @param body A text is JSON already; anything else is encoded.
 * @throws {LocalCallError}
 */
export async function call(
  socket: string,
  method: "GET" | "PUT" | "DELETE",
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
  clock: Clock = systemClock,
): Promise<LocalAnswer> {
  using client = Deno.createHttpClient({
    proxy: { transport: "unix", path: socket },
  });
  const over = new AbortController();
  const late = new AbortController();
  clock.sleep(LIMIT_MS, over.signal).then(() => late.abort(), () => {});
  try {
    const answer = await fetch(`http://${HOST}${path}`, {
      client,
      method,
      headers,
      body: body === undefined || typeof body === "string"
        ? body ?? null
        : JSON.stringify(body),
      redirect: "manual",
      signal: late.signal,
    });
    const { status } = answer;
    const text = await readText(answer, socket);
    return {
      status,
      headers: answer.headers,
      text,
      body: decode(text, socket),
    };
  } catch (cause) {
    if (cause instanceof LocalCallError) throw cause;
    throw late.signal.aborted
      ? new LocalCallError(
        "no_answer",
        `The agent on ${socket} did not answer within ${LIMIT_MS / 1000} s`,
      )
      : await whyNot(socket, cause);
  } finally {
    over.abort();
  }
}

async function readText(answer: Response, socket: string): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  for await (const bytes of answer.body ?? []) {
    length += bytes.length;
    if (length > MAX_BYTES) throw badAnswer(socket, "an endless answer");
    text += decoder.decode(bytes, { stream: true });
  }
  return text + decoder.decode();
}

function decode(text: string, socket: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw badAnswer(socket, "something else than JSON");
  }
}

function badAnswer(socket: string, what: string): LocalCallError {
  return new LocalCallError("bad_answer", `${socket} answered with ${what}`);
}

/** Tells apart why a socket cannot be reached: `fetch` does not say. */
async function whyNot(socket: string, cause: unknown): Promise<LocalCallError> {
  try {
    using _connection = await Deno.connect({ transport: "unix", path: socket });
  } catch (error) {
    return error instanceof Deno.errors.PermissionDenied
      ? new LocalCallError(
        "no_permission",
        `This user may not connect to ${socket}`,
        error,
      )
      : new LocalCallError(
        "not_running",
        `No agent is running on ${socket}`,
        error,
      );
  }
  return new LocalCallError(
    "bad_answer",
    `${socket} does not answer with HTTP`,
    cause,
  );
}
