import { parseProblem, type Problem } from "../wire/problem.ts";

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
   * @throws {AdminError}
   */
  async text(
    method: AdminMethod,
    path: string,
    body?: string,
    signal?: AbortSignal,
  ): Promise<string> {
    const token = await this.token();
    let answer: Response;
    let text: string;
    try {
      answer = await fetch(`${this.url}/admin/v1${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        body: body ?? null,
        redirect: "manual",
        ...(signal ? { signal } : {}),
        ...(this.http ? { client: this.http } : {}),
      });
      text = await answer.text();
    } catch (cause) {
      signal?.throwIfAborted();
      throw new AdminError(
        `Cannot reach the control plane at ${this.url}`,
        undefined,
        undefined,
        cause,
      );
    }
    if (answer.ok) return text;
    throw new AdminError(
      `${method} ${path}: ${answer.status} ${text.slice(0, 500)}`,
      answer.status,
      parseProblem(text),
    );
  }
}
