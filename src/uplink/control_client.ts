import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/log.ts";
import {
  type RegisterRequest,
  type RegisterResponse,
  registerResponseSchema,
} from "../wire/bodies.ts";
import { ENDPOINTS } from "../wire/endpoints.ts";
import { type FirstValue, parseFirstValue } from "../wire/raw_json.ts";
import {
  type ArtifactName,
  downloadArtifact,
  type Downloaded,
  type DownloadOptions,
} from "./artifact.ts";
import { checkBaseUrl } from "./base_url.ts";
import { decodeAnswer } from "./decode_answer.ts";
import { decodeRegistration } from "./decode_registration.ts";
import type { HttpCall } from "./http_call.ts";
import { type AnswerListener, HttpCaller } from "./http_caller.ts";
import { checkBearer } from "./request_headers.ts";
import { Servers } from "./servers.ts";
import { fetchTransport, type Transport } from "./transport.ts";

/** Options for {@linkcode ControlClient}. */
export interface ControlClientOptions {
  /** Address of the control plane, with or without a path or trailing slash. */
  readonly baseUrl: string;
  /** Further addresses of the same control plane, in the order to try. @default {[]} */
  readonly fallbackUrls?: readonly string[];
  /** Version of plexd, for `User-Agent`. */
  readonly version: string;
  /**
   * Time until the answer of a ping, a stream, a download or a read that can go
   * on to another address begins. `fetch` does not tell connecting apart from
   * waiting, so other calls know only the whole time.
   * @default {10000}
   */
  readonly connectTimeoutMs?: number;
  /** Time for a whole call, answer included; not for the stream. @default {30000} */
  readonly requestTimeoutMs?: number;
  /** Most bytes of an answer, once decoded. @default {10485760} */
  readonly maxAnswerBytes?: number;
  /** Certificates and the like; closed with the client. @default {fetchTransport()} */
  readonly transport?: Transport;
  readonly onAnswer?: AnswerListener;
  /** Allows plain http to other hosts than this one. @default {false} */
  readonly allowPlaintext?: boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * The agent's connection to the control plane: what can be called without being
 * a node, and {@linkcode http}, which carries the calls of a node.
 *
 * Every call rejects with a {@linkcode ControlError}, or with the signal's
 * reason when that aborts.
 *
 * @see docs/wire.md, sections a.1 to a.3; seed Control Plane Client
 */
export class ControlClient implements Disposable {
  /**
   * Strangers may read or change what goes over the connection: it is plain
   * HTTP to another host, or certificates are not checked; both were allowed.
   */
  readonly exposed: boolean;
  /** What carries every call, for the {@linkcode NodeUplink} of either dialect. */
  readonly http: HttpCaller;
  readonly #transport: Transport;
  #token: string | undefined;

  /** @throws {RangeError} for an unusable address or time-out. */
  constructor(options: ControlClientOptions) {
    const {
      connectTimeoutMs = 10_000,
      requestTimeoutMs = 30_000,
      maxAnswerBytes = 10 * 1024 * 1024,
      transport = fetchTransport(),
      fallbackUrls = [],
      allowPlaintext = false,
      onAnswer,
      clock,
      log,
    } = options;
    const limits = { connectTimeoutMs, requestTimeoutMs, maxAnswerBytes };
    for (const [name, value] of Object.entries(limits)) {
      if (!(value > 0)) {
        throw new RangeError(
          `Cannot call a control plane as "${name}" must be > 0: current value is ${value}`,
        );
      }
    }
    const urls = [options.baseUrl, ...fallbackUrls];
    const servers = new Servers(
      urls.map((url) => checkBaseUrl(url, allowPlaintext)),
      clock,
    );
    this.exposed = servers.exposed || transport.insecure;
    this.#transport = transport;
    this.http = new HttpCaller({
      servers,
      userAgent: `plexd/${options.version}`,
      ...limits,
      transport,
      ...(onAnswer ? { onAnswer } : {}),
      clock,
      log,
    });
  }

  /**
   * The bearer of later calls of this client, but for registration.
   *
   * @throws {RangeError} for a token that no header can carry.
   */
  setAuthToken(token: string | undefined): void {
    if (token !== undefined) checkBearer(token);
    this.#token = token;
  }

  /**
   * Asks whether the control plane is there, within the connect time-out.
   *
   * @returns the status of its answer, from 200 to 299.
   */
  async ping(signal: AbortSignal): Promise<number> {
    const call = this.#asOurselves(ENDPOINTS.ping);
    const { status, body } = await this.http.open(call, signal);
    // What broke off meanwhile needs no cancelling.
    await body?.cancel().catch(() => {});
    return status;
  }

  /** The JSON value that `path` answers; undefined for an empty answer. */
  getJson(path: string, signal: AbortSignal): Promise<FirstValue | undefined> {
    return this.sendJson("GET", path, undefined, signal);
  }

  /** The JSON value that is answered to `json`; undefined for an empty answer. */
  postJson(
    path: string,
    json: string | undefined,
    signal: AbortSignal,
  ): Promise<FirstValue | undefined> {
    return this.sendJson("POST", path, json, signal);
  }

  /**
   * Any call under the bearer of this client.
   *
   * @param json JSON text, which goes out as it is.
   * @returns the first JSON value of the answer, what follows it left out;
   * undefined for an empty answer.
   */
  async sendJson(
    method: string,
    path: string,
    json: string | undefined,
    signal: AbortSignal,
  ): Promise<FirstValue | undefined> {
    const body = json === undefined ? {} : { json };
    const call = this.#asOurselves({ method, path, ...body });
    const text = await this.http.text(call, signal);
    if (text.trim() === "") return undefined;
    return decodeAnswer(path, () => parseFirstValue(text));
  }

  /**
   * Registers with a bootstrap token, which is the bearer of this call only.
   *
   * @throws {RangeError} for a token that no header can carry.
   */
  async register(
    bootstrapToken: string,
    request: RegisterRequest,
    signal: AbortSignal,
  ): Promise<RegisterResponse> {
    checkBearer(bootstrapToken);
    const { method, path } = ENDPOINTS.register;
    const text = await this.http.text({
      method,
      path,
      json: JSON.stringify(request),
      bearer: bootstrapToken,
    }, signal);
    return decodeRegistration(1, registerResponseSchema, text);
  }

  /** Streams a release of plexd into `sink`. @see {@linkcode downloadArtifact} */
  fetchArtifact(
    name: ArtifactName,
    sink: WritableStream<Uint8Array>,
    options: DownloadOptions,
    signal: AbortSignal,
  ): Promise<Downloaded> {
    const token = this.#token;
    return downloadArtifact(this.http, name, token, sink, options, signal);
  }

  /** Lets go of idle connections. */
  [Symbol.dispose](): void {
    this.#transport.close();
  }

  #asOurselves(call: HttpCall): HttpCall {
    return this.#token === undefined ? call : { ...call, bearer: this.#token };
  }
}
