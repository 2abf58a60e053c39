import { type Clock, systemClock } from "../platform/clock.ts";
import { chunksOf } from "../uplink/chunks_of.ts";
import { withDeadline } from "../uplink/deadline.ts";
import { parseProblem, type Problem } from "../wire/problem.ts";

/** How long a call may take, and by which clock. */
export interface AdminLimits {
  /** @default the machine's */
  readonly clock?: Clock;
  /**
   * Until the answer of a GET begins, connecting included, in ms. Changes may
   * wait for the disk of the control plane: they have the whole time.
   * @default {10000} as the agent's `api.connect_timeout`
   */
  readonly beginMs?: number;
  /**
   * Until the answer is complete, in ms.
   * @default {30000} as the agent's `api.request_timeout`
   */
  readonly wholeMs?: number;
}

const NEVER = new AbortController().signal;

/** The control plane refused a call of its admin API, or did not answer. */
export class AdminError extends Error {
  override readonly name = "AdminError";

  constructor(
    message: string,
    /** HTTP status; absent when no answer came. */
    readonly status?: number,
    /** What the control plane says about it. */
    readonly problem?: Problem,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

export type AdminMethod = "GET" | "POST" | "PUT" | "DELETE";

/**
 * Client of the control plane's admin API.
 *
 * @see design, appendix "Admin API"
 */
export class AdminClient {
  constructor(
    /** Base URL of the control plane, without a trailing slash. */
    readonly url: string,
    /** Called for each request: the token stays in its file, not in memory. */
    readonly token: () => Promise<string>,
    /** For certificates that the system does not know. */
    readonly http?: Deno.HttpClient,
    readonly limits: AdminLimits = {},
  ) {}

  /**
   * One call below `/admin/v1`.
   *
   * @returns the decoded JSON answer, `undefined` for an empty one.
   * @throws {AdminError}
   */
  async call(
    method: AdminMethod,
    path: string,
    body?: unknown,
  ): Promise<unknown> {
    const text = await this.text(
      method,
      path,
      body === undefined ? undefined : JSON.stringify(body),
    );
    return text === "" ? undefined : JSON.parse(text);
  }

  /**
   * The same with texts: numbers and the order of members stay as they are.
   *
   * @param signal Gives the call up; it then rejects with the signal's reason.
   * @throws {AdminError} without a status also when its time was up.
   */
  async text(
    method: AdminMethod,
    path: string,
    body?: string,
    signal: AbortSignal = NEVER,
  ): Promise<string> {
    const { clock = systemClock, beginMs = 10_000, wholeMs = 30_000 } =
      this.limits;
    const token = await this.token();
    const request = (signal: AbortSignal) =>
      fetch(`${this.url}/admin/v1${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        body: body ?? null,
        redirect: "manual",
        signal,
        ...(this.http ? { client: this.http } : {}),
      });
    const within = (ms: number, what: string, signal: AbortSignal) => {
      const why = lateText(what, ms, method);
      return { clock, ms, signal, late: () => this.#noAnswer(new Error(why)) };
    };
    const whole = within(wholeMs, "no whole answer", signal);
    const { answer, text } = await withDeadline(whole, async (signal) => {
      try {
        const answer = method === "GET"
          ? await withDeadline(within(beginMs, "no answer", signal), request)
          : await request(signal);
        return { answer, text: await textOf(answer, signal) };
      } catch (cause) {
        throw cause instanceof AdminError ? cause : this.#noAnswer(cause);
      }
    });
    if (answer.ok) return text;
    throw new AdminError(
      `${method} ${path}: ${answer.status} ${text.slice(0, 500)}`,
      answer.status,
      parseProblem(text),
    );
  }

  #noAnswer(cause: unknown): AdminError {
    return new AdminError(
      `Cannot reach the control plane at ${this.url}`,
      undefined,
      undefined,
      cause,
    );
  }
}

function lateText(what: string, ms: number, method: AdminMethod): string {
  const text = `${what} within ${ms / 1_000} s`;
  return method === "GET" ? text : `${text}; it may be done all the same`;
}

async function textOf(answer: Response, signal: AbortSignal): Promise<string> {
  if (!answer.body) return "";
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of chunksOf(answer.body, signal)) {
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
