/** The control plane refused a call of its admin API, or did not answer. */
export class AdminError extends Error {
  override readonly name = "AdminError";

  constructor(
    message: string,
    /** HTTP status; absent when no answer came. */
    readonly status?: number,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

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
  ) {}

  /**
   * One call below `/admin/v1`.
   *
   * @returns the decoded JSON answer, `undefined` for an empty one.
   * @throws {AdminError}
   */
  async call(
    method: "GET" | "POST" | "PUT" | "DELETE",
    path: string,
    body?: unknown,
  ): Promise<unknown> {
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
        body: body === undefined ? null : JSON.stringify(body),
        redirect: "manual",
      });
      text = await answer.text();
    } catch (cause) {
      throw new AdminError(
        `Cannot reach the control plane at ${this.url}`,
        undefined,
        cause,
      );
    }
    if (!answer.ok) {
      throw new AdminError(
        `${method} ${path}: ${answer.status} ${text.slice(0, 500)}`,
        answer.status,
      );
    }
    return text === "" ? undefined : JSON.parse(text);
  }
}
