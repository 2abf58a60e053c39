import { type ClientClock, machineClock } from "./client_clock.ts";
import { LocalCallError } from "./errors.ts";
import {
  type Http,
  nameOf,
  type RawAnswer,
  type RawRequest,
  type Target,
} from "./http.ts";
import { runtimeHttp } from "./runtime_http.ts";

/** Longest wait for a whole answer: the agent is on this machine. */
const LIMIT_MS = 30_000;
/** Far more than an agent keeps in one answer. */
const MAX_BYTES = 64 * 2 ** 20;

/** What the agent answered. */
export interface LocalAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Decoded JSON; `undefined` for an empty body, and for one that is none. */
  readonly body: unknown;
  /** The body as it came: numbers keep their text. */
  readonly text: string;
}

/** Options for {@linkcode call}. */
export interface CallOptions {
  /** Further fields of the header, names in lower case. @default {{}} */
  readonly headers?: Readonly<Record<string, string>>;
  /** Longest wait for the whole answer. @default {30000} */
  readonly limitMs?: number;
  /** Gives the call up; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** The body of the answer is text, not JSON. @default {false} */
  readonly isText?: boolean;
  /** @default that of the machine */
  readonly clock?: ClientClock;
}

/** Methods of the local API. */
export type Method = "GET" | "HEAD" | "PUT" | "DELETE";

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
  target: Target,
  method: Method,
  path: string,
  body?: unknown,
  options: CallOptions = {},
): Promise<LocalAnswer> {
  const { clock = machineClock, limitMs = LIMIT_MS, signal } = options;
  const over = new AbortController();
  const late = new AbortController();
  const either = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
  clock.sleep(limitMs, over.signal).then(() => late.abort(), () => {});
  try {
    const request = requestOf(target, method, path, body, options, either);
    const answer = await open(target, request);
    const text = await readText(target, answer, either);
    return {
      status: answer.status,
      headers: answer.headers,
      text,
      body: options.isText ? undefined : decode(text, target),
    };
  } catch (error) {
    signal?.throwIfAborted();
    if (!late.signal.aborted) throw error;
    throw new LocalCallError(
      "no_answer",
      `The agent on ${nameOf(target)} did not answer within ${
        limitMs / 1000
      } s`,
    );
  } finally {
    over.abort();
  }
}

/** A request as it goes out, with the bearer of its target. */
export function requestOf(
  target: Target,
  method: Method,
  path: string,
  body: unknown,
  { headers = {} }: Pick<CallOptions, "headers">,
  signal: AbortSignal,
): RawRequest {
  return {
    method,
    path,
    headers: {
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
      ...(typeof target === "string"
        ? {}
        : { authorization: `Bearer ${target.bearer}` }),
    },
    body: body === undefined || typeof body === "string"
      ? body
      : JSON.stringify(body),
    signal,
  };
}

/**
 * Sends a request, and waits for the head of its answer.
 *
 * @throws {LocalCallError} other than `no_answer`.
 */
export async function open(
  target: Target,
  request: RawRequest,
): Promise<RawAnswer> {
  const http = await runtimeHttp(target);
  try {
    return await http.open(target, request);
  } catch (error) {
    request.signal.throwIfAborted();
    throw await failureOf(http, target, error);
  }
}

async function failureOf(
  http: Http,
  target: Target,
  error: unknown,
): Promise<LocalCallError> {
  const kind = await http.reason(target, error);
  const where = nameOf(target);
  const message = {
    not_running: `No agent is running on ${where}`,
    no_permission: `This user may not connect to ${where}`,
    bad_answer: `${where} does not answer with HTTP`,
  }[kind];
  return new LocalCallError(kind, message, error);
}

/** @throws {LocalCallError} kind "bad_answer" */
async function readText(
  target: Target,
  { chunks }: RawAnswer,
  signal: AbortSignal,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  try {
    for await (const bytes of chunks) {
      length += bytes.length;
      if (length > MAX_BYTES) throw badAnswer(target, "an endless answer");
      text += decoder.decode(bytes, { stream: true });
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof LocalCallError) throw error;
    throw badAnswer(target, "half an answer", error);
  }
  return text + decoder.decode();
}

/** @throws {LocalCallError} kind "bad_answer" for what is no JSON. */
export function decode(text: string, target: Target): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw badAnswer(target, "something else than JSON");
  }
}

/** What answers there is no agent, or one that speaks otherwise. */
export function badAnswer(
  target: Target,
  what: string,
  cause?: unknown,
): LocalCallError {
  return new LocalCallError(
    "bad_answer",
    `${nameOf(target)} answered with ${what}`,
    cause,
  );
}
