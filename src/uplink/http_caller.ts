import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/log.ts";
import { readStart, readText } from "./answer_body.ts";
import type { BaseUrl } from "./base_url.ts";
import { ControlError, failureOf } from "./control_error.ts";
import { withDeadline } from "./deadline.ts";
import { encodeRequestBody } from "./request_body.ts";
import { parseRetryAfter } from "./retry_after.ts";
import { MAX_SERVER_TEXT_BYTES, presentServerText } from "./server_text.ts";

/** What every call to the control plane shares. */
export interface HttpCallerOptions {
  readonly base: BaseUrl;
  readonly userAgent: string;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly maxAnswerBytes: number;
  readonly httpClient?: Deno.HttpClient;
  readonly clock: Clock;
  readonly log: Logger;
}

/** One request. */
export interface HttpCall {
  readonly method: string;
  /** Begins with a slash; its values are already encoded. */
  readonly path: string;
  /** JSON text. */
  readonly json?: string;
  readonly bearer?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Makes requests and turns everything that is not an answer with a status from
 * 200 to 299 into a {@linkcode ControlError}.
 *
 * A redirect is such an error: following it would send the bearer wherever the
 * answer points.
 */
export class HttpCaller {
  constructor(readonly options: HttpCallerOptions) {}

  /** Makes a call and reads its whole answer, within the request time-out. */
  async text(call: HttpCall, signal: AbortSignal): Promise<string> {
    const { clock, requestTimeoutMs: ms, maxAnswerBytes } = this.options;
    const late = () => tooLate(call, ms);
    return await withDeadline({ clock, ms, signal, late }, async (signal) => {
      const response = await this.#send(call, "application/json", signal);
      return await readText(response.body, maxAnswerBytes);
    });
  }

  /**
   * Opens a stream. Its start is bounded by the connect time-out, its length by
   * nothing but `signal`.
   */
  async stream(
    call: HttpCall,
    mediaType: string,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>> {
    const { clock, connectTimeoutMs: ms } = this.options;
    const late = () => tooLate(call, ms);
    return await withDeadline({ clock, ms, signal, late }, async (cut) => {
      // The caller's signal stands beside: it outlives the deadline.
      const both = AbortSignal.any([signal, cut]);
      const { body, headers } = await this.#send(call, mediaType, both);
      const type = headers.get("content-type")?.split(";")[0]?.trim();
      if (body && type?.toLowerCase() === mediaType) return body;
      await body?.cancel();
      throw new ControlError(
        "bad_answer",
        `${nameOf(call)} was answered, but not with a stream of ${mediaType}`,
      );
    });
  }

  async #send(
    call: HttpCall,
    mediaType: string,
    signal: AbortSignal,
  ): Promise<Response> {
    const { base, userAgent, httpClient, clock, log } = this.options;
    const body = call.json === undefined
      ? undefined
      : await encodeRequestBody(call.json);
    const start = clock.elapsed();
    let response: Response;
    try {
      response = await fetch(base.href + call.path, {
        method: call.method,
        headers: {
          accept: mediaType,
          "accept-encoding": "gzip",
          "user-agent": userAgent,
          ...(call.bearer ? { authorization: `Bearer ${call.bearer}` } : {}),
          ...body?.headers,
          ...call.headers,
        },
        redirect: "manual",
        signal,
        ...(body ? { body: body.bytes } : {}),
        ...(httpClient ? { client: httpClient } : {}),
      });
    } catch (cause) {
      throw new ControlError(
        "unreachable",
        `${nameOf(call)} got no answer`,
        { cause },
      );
    }
    log.debug("Control plane answered", {
      method: call.method,
      path: call.path,
      status: response.status,
      duration_ms: Math.round(clock.elapsed() - start),
    });
    if (response.ok) return response;
    throw await this.#refusal(call, response);
  }

  async #refusal(call: HttpCall, response: Response): Promise<ControlError> {
    const { status, headers } = response;
    const secrets = call.bearer ? [call.bearer] : [];
    const { text, cut } = await readStart(response.body, MAX_SERVER_TEXT_BYTES);
    const serverText = presentServerText(text, cut, secrets);
    const retryAfterMs = status === 429 || status === 503
      ? parseRetryAfter(headers.get("retry-after"), this.options.clock.now())
      : undefined;
    return new ControlError(
      failureOf(status),
      `${nameOf(call)} was answered with status ${status}`,
      {
        status,
        ...(serverText ? { serverText } : {}),
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      },
    );
  }
}

function tooLate(call: HttpCall, ms: number): ControlError {
  return new ControlError(
    "timeout",
    `${nameOf(call)} got no answer within ${ms} ms`,
  );
}

function nameOf(call: HttpCall): string {
  return `${call.method} ${call.path}`;
}
