/** What the agent answered. */
export interface LocalAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Decoded JSON; `undefined` for an empty body. */
  readonly body: unknown;
}

/** The agent could not be asked. */
export class LocalCallError extends Error {
  override readonly name = "LocalCallError";

  constructor(
    readonly kind: "not_running" | "no_permission" | "bad_answer",
    message: string,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

/**
 * One request to the running agent over a fresh connection.
 *
 * Any status is an answer; what it means is for the caller to say.
 *
 * @param path With its query, each key percent-encoded.
 * @throws {LocalCallError}
 */
export async function call(
  socket: string,
  method: "GET" | "PUT" | "DELETE",
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<LocalAnswer> {
  await findOut(socket);
  using client = Deno.createHttpClient({
    proxy: { transport: "unix", path: socket },
  });
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(`http://localhost${path}`, {
      client,
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      redirect: "manual",
    });
    text = await answer.text();
  } catch (cause) {
    throw new LocalCallError(
      "not_running",
      `The agent on ${socket} does not answer`,
      cause,
    );
  }
  try {
    const decoded: unknown = text === "" ? undefined : JSON.parse(text);
    return { status: answer.status, headers: answer.headers, body: decoded };
  } catch (cause) {
    throw new LocalCallError(
      "bad_answer",
      `The agent on ${socket} did not answer with JSON`,
      cause,
    );
  }
}

/** Tells apart why a socket cannot be reached: `fetch` does not say. */
async function findOut(socket: string): Promise<void> {
  try {
    using _connection = await Deno.connect({ transport: "unix", path: socket });
  } catch (cause) {
    if (cause instanceof Deno.errors.PermissionDenied) {
      throw new LocalCallError(
        "no_permission",
        `This user may not connect to ${socket}`,
        cause,
      );
    }
    throw new LocalCallError(
      "not_running",
      `No agent is running on ${socket}`,
      cause,
    );
  }
}
