import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/log.ts";
import { decodeText, readBytes } from "./answer_body.ts";
import type { BaseUrl } from "./base_url.ts";
import { ControlError } from "./control_error.ts";
import { withDeadline } from "./deadline.ts";
import { bodyOf, type HttpCall, nameOf, shownPathOf } from "./http_call.ts";
import { mediaTypeOf } from "./media_type.ts";
import { refusalFrom } from "./refusal.ts";
import { eventIdHeader } from "./request_headers.ts";

export type { HttpCall } from "./http_call.ts";

/** Hears of each answer, whatever its status, and how long it took in ms. */
export type AnswerListener = (headers: Headers, tookMs: number) => void;

/** What every call to the control plane shares. */
export interface HttpCallerOptions {
  readonly base: BaseUrl;
  readonly userAgent: string;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly maxAnswerBytes: number;
  readonly httpClient?: Deno.HttpClient;
  readonly onAnswer?: AnswerListener;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A whole answer with a status from 200 to 299. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Decoded, and bounded. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Makes requests and turns everything that is not an answer with a status from
 * 200 to 299 into a {@linkcode ControlError}. Both dialects stand on it.
 *
 * A redirect is such an error: following it would send the bearer wherever the
 * answer points.
 */
export class HttpCaller {
  constructor(readonly options: HttpCallerOptions) {}

  /** Makes a call and reads its whole answer, within the request time-out. */
  async bytes(call: HttpCall, signal: AbortSignal): Promise<HttpAnswer> {
    const { clock, requestTimeoutMs: ms } = this.options;
    const { maxAnswerBytes = this.options.maxAnswerBytes } = call;
    const late = () => tooLate(call, ms);
    return await withDeadline({ clock, ms, signal, late }, async (signal) => {
      const { status, headers, body } = await this.#send(call, signal);
      const isText = call.accept !== "application/octet-stream";
      const bytes = await readBytes(body, maxAnswerBytes, isText);
      return { status, headers, bytes };
    });
  }

  /** As {@linkcode bytes}, for an answer that is text. */
  async text(call: HttpCall, signal: AbortSignal): Promise<string> {
    return decodeText((await this.bytes(call, signal)).bytes);
  }

  /**
   * Opens an event stream, from after `lastEventId` when that is given. Its
   * start is bounded by the connect time-out, its length by nothing but
   * `signal`.
   */
  async events(
    call: HttpCall,
    lastEventId: string | undefined,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>> {
    return await this.#stream({
      ...call,
      accept: "text/event-stream",
      headers: {
        "accept-encoding": "identity",
        "cache-control": "no-cache",
        ...eventIdHeader(lastEventId),
        ...call.headers,
      },
    }, signal);
  }

  async #stream(
    call: HttpCall & { readonly accept: string },
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>> {
    const { clock, connectTimeoutMs: ms } = this.options;
    const late = () => tooLate(call, ms);
    return await withDeadline({ clock, ms, signal, late }, async (cut) => {
      // The caller's signal stands beside: it outlives the deadline.
      const both = AbortSignal.any([signal, cut]);
      const { body, headers } = await this.#send(call, both);
      if (body && mediaTypeOf(headers) === call.accept) return body;
      await body?.cancel();
      throw new ControlError(
        "bad_answer",
        `${nameOf(call)} was answered, but not with a stream of ${call.accept}`,
      );
    });
  }

  async #send(call: HttpCall, signal: AbortSignal): Promise<Response> {
    const { base, userAgent, httpClient, onAnswer, clock, log } = this.options;
    const body = await bodyOf(call);
    const start = clock.elapsed();
    let response: Response;
    try {
      response = await fetch(base.href + call.path, {
        method: call.method,
        headers: {
          accept: call.accept ?? "application/json",
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
    const tookMs = clock.elapsed() - start;
    onAnswer?.(response.headers, tookMs);
    log.debug("Control plane answered", {
      method: call.method,
      path: shownPathOf(call),
      status: response.status,
      duration_ms: Math.round(tookMs),
    });
    if (response.ok) return response;
    throw await refusalFrom(call, response, clock.now());
  }
}

function tooLate(call: HttpCall, ms: number): ControlError {
  return new ControlError(
    "timeout",
    `${nameOf(call)} got no answer within ${ms} ms`,
  );
}
