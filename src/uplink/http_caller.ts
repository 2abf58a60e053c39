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
import type { Servers } from "./servers.ts";
import type { Transport } from "./transport.ts";
import { isAddressFailure, wasNeverSent } from "./unreachable.ts";

export type { HttpCall } from "./http_call.ts";

/** An answer of the control plane, whatever its status. */
export interface HeardAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly tookMs: number;
  /** What the call has shown; undefined for one without credentials. */
  readonly bearer: string | undefined;
}

/** Hears of each answer. */
export type AnswerListener = (answer: HeardAnswer) => void;

/** What every call to the control plane shares. */
export interface HttpCallerOptions {
  readonly servers: Servers;
  readonly userAgent: string;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly maxAnswerBytes: number;
  readonly transport: Transport;
  readonly onAnswer?: AnswerListener;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A server can name anything as the type of its answer. */
const MAX_SHOWN_TYPE = 100;

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
 * answer points. The bearer goes to the given addresses only.
 *
 * The runtime makes a call again at the same address when the connection broke
 * before an answer began, whatever the method: every call bears that.
 *
 * When an address fails, a call goes on to the next one if it can be made twice,
 * being a GET, or has certainly not been seen by the first; for other calls it
 * is the next call that goes there. All addresses are of one control plane, so
 * a stream may go on at another one after its cursor: what that means is the
 * control plane's affair.
 */
export class HttpCaller {
  constructor(readonly options: HttpCallerOptions) {}

  /** Makes a call and reads its whole answer, within the request time-out. */
  async bytes(call: HttpCall, signal: AbortSignal): Promise<HttpAnswer> {
    const { clock, requestTimeoutMs: ms } = this.options;
    const bound = call.maxAnswerBytes === undefined
      ? {
        maxBytes: this.options.maxAnswerBytes,
        setting: "api.max_answer_bytes",
      }
      : { maxBytes: call.maxAnswerBytes };
    const late = () => tooLate(call, ms);
    return await withDeadline(
      { clock, ms, signal, late },
      (signal) =>
        this.#overServers(call, signal, async (server, hasNext) => {
          const { status, headers, body } = hasNext && call.method === "GET"
            ? await this.#sendPromptly(server, call, signal)
            : await this.#send(server, call, signal);
          const isText = call.accept !== "application/octet-stream";
          const bytes = await readBytes(body, bound, isText, signal);
          return { status, headers, bytes };
        }),
    );
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
    const accept = "text/event-stream";
    const { body, status, headers } = await this.open({
      ...call,
      accept,
      headers: {
        "accept-encoding": "identity",
        "cache-control": "no-cache",
        ...eventIdHeader(lastEventId),
        ...call.headers,
      },
    }, signal);
    const type = mediaTypeOf(headers);
    if (body && type === accept) return body;
    // What broke off meanwhile needs no cancelling.
    await body?.cancel().catch(() => {});
    const found = type === "" ? "no media type" : type.slice(0, MAX_SHOWN_TYPE);
    throw new ControlError(
      "bad_answer",
      `${nameOf(call)} was answered with status ${status} and ${found}, ` +
        `not with a stream of ${accept}`,
    );
  }

  /**
   * Makes a call and gives its answer as soon as that begins, which is bounded
   * by the connect time-out. Whoever opens one must read or cancel its body.
   */
  open(call: HttpCall, signal: AbortSignal): Promise<Response> {
    return this.#overServers(
      call,
      signal,
      (server) => this.#sendPromptly(server, call, signal),
    );
  }

  /** Tries one address after the other, as far as the call allows. */
  async #overServers<T>(
    call: HttpCall,
    signal: AbortSignal,
    attempt: (server: BaseUrl, hasNext: boolean) => Promise<T>,
  ): Promise<T> {
    const { servers, log } = this.options;
    const order = servers.inOrder();
    let told: ControlError | undefined;
    for (const [at, server] of order.entries()) {
      const hasNext = at < order.length - 1;
      try {
        return await attempt(server, hasNext);
      } catch (error) {
        const failure = signal.aborted ? signal.reason : error;
        if (!(failure instanceof ControlError)) throw failure;
        if (!isAddressFailure(failure)) throw failure;
        const next = servers.failed(server);
        if (next) {
          log.warn("Control plane address failed; the next one is asked", {
            failed: server.href,
            next: next.href,
            kind: failure.kind,
          });
        }
        // An answer says more than none.
        if (told?.status === undefined) told = failure;
        const again = call.method === "GET" || wasNeverSent(failure);
        if (signal.aborted || !again) break;
      }
    }
    throw told;
  }

  /** As {@linkcode #send}, within the connect time-out. */
  async #sendPromptly(
    server: BaseUrl,
    call: HttpCall,
    signal: AbortSignal,
  ): Promise<Response> {
    const { clock, connectTimeoutMs: ms } = this.options;
    const late = () => tooLate(call, ms);
    return await withDeadline(
      { clock, ms, signal, late },
      // The caller's signal stands beside: it outlives the deadline.
      (cut) => this.#send(server, call, AbortSignal.any([signal, cut])),
    );
  }

  async #send(
    server: BaseUrl,
    call: HttpCall,
    signal: AbortSignal,
  ): Promise<Response> {
    const { userAgent, transport, onAnswer, clock, log } = this.options;
    const body = await bodyOf(call);
    const start = clock.elapsed();
    let response: Response;
    try {
      response = await transport.send(server.href + call.path, {
        method: call.method,
        headers: {
          accept: call.accept ?? "application/json",
          "accept-encoding": "gzip",
          "user-agent": userAgent,
          ...(call.bearer ? { authorization: `Bearer ${call.bearer}` } : {}),
          ...body?.headers,
          ...call.headers,
        },
        signal,
        ...(body ? { body: body.bytes } : {}),
      });
    } catch (cause) {
      throw new ControlError(
        "unreachable",
        `${nameOf(call)} got no answer`,
        { cause },
      );
    }
    const tookMs = clock.elapsed() - start;
    const { status, headers } = response;
    onAnswer?.({ status, headers, tookMs, bearer: call.bearer });
    log.debug("Control plane answered", {
      method: call.method,
      path: shownPathOf(call),
      status: response.status,
      duration_ms: Math.round(tookMs),
    });
    if (response.ok) return response;
    throw await refusalFrom(call, response, clock, signal);
  }
}

function tooLate(call: HttpCall, ms: number): ControlError {
  return new ControlError(
    "timeout",
    `${nameOf(call)} got no answer within ${ms} ms`,
  );
}
