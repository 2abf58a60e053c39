import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/log.ts";
import {
  type DriftReport,
  type HeartbeatRequest,
  type HeartbeatResponse,
  heartbeatResponseSchema,
  type RegisterRequest,
  type RegisterResponse,
  registerResponseSchema,
  type SecretResponse,
  secretResponseSchema,
} from "../wire/bodies.ts";
import { type EndpointName, ENDPOINTS, fillPath } from "../wire/endpoints.ts";
import { parseFirstValue } from "../wire/raw_json.ts";
import { checkShape } from "../wire/shape_error.ts";
import type { DesiredState } from "../wire/state.ts";
import { parseStateDocument } from "../wire/state_document.ts";
import { checkBaseUrl } from "./base_url.ts";
import { ControlError } from "./control_error.ts";
import { decodeAnswer, withoutNulls } from "./decode_answer.ts";
import { decodeRegistration } from "./decode_registration.ts";
import {
  type AnswerListener,
  type HttpCall,
  HttpCaller,
} from "./http_caller.ts";
import { encodeReportChanges, type ReportChanges } from "./report_changes.ts";
import { checkBearer } from "./request_headers.ts";

/** Options for {@linkcode ControlClient}. */
export interface ControlClientOptions {
  /** Address of the control plane, with or without a path or trailing slash. */
  readonly baseUrl: string;
  /** Version of plexd, for `User-Agent`. */
  readonly version: string;
  /**
   * Time until the event stream's answer begins. `fetch` does not tell
   * connecting apart from waiting, so other calls know only the whole time.
   * @default {10000}
   */
  readonly connectTimeoutMs?: number;
  /** Time for a whole call, answer included; not for the stream. @default {30000} */
  readonly requestTimeoutMs?: number;
  /** Most bytes of an answer, once decoded. @default {10485760} */
  readonly maxAnswerBytes?: number;
  /** Certificates and the like. The caller closes it. @default one shared client */
  readonly httpClient?: Deno.HttpClient;
  readonly onAnswer?: AnswerListener;
  /** Allows plain http to other hosts than this one. @default {false} */
  readonly allowPlaintext?: boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * The agent's side of the control plane's API, in dialect 1.
 *
 * Every call rejects with a {@linkcode ControlError}, or with the signal's
 * reason when that aborts.
 *
 * @see docs/wire.md, sections a.1 to a.3; seed Control Plane Client
 */
export class ControlClient {
  /** The address is plain HTTP to another host, which was allowed. */
  readonly exposed: boolean;
  /** What carries every call, for the {@linkcode NodeUplink} of either dialect. */
  readonly http: HttpCaller;
  #token: string | undefined;

  /** @throws {RangeError} for an unusable address or time-out. */
  constructor(options: ControlClientOptions) {
    const {
      connectTimeoutMs = 10_000,
      requestTimeoutMs = 30_000,
      maxAnswerBytes = 10 * 1024 * 1024,
      httpClient,
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
    const base = checkBaseUrl(options.baseUrl, options.allowPlaintext ?? false);
    this.exposed = base.exposed;
    this.http = new HttpCaller({
      base,
      userAgent: `plexd/${options.version}`,
      ...limits,
      ...(httpClient ? { httpClient } : {}),
      ...(onAnswer ? { onAnswer } : {}),
      clock,
      log,
    });
  }

  /**
   * The bearer of all later calls.
   *
   * @throws {RangeError} for a token that no header can carry.
   */
  setAuthToken(token: string | undefined): void {
    if (token !== undefined) checkBearer(token);
    this.#token = token;
  }

  /** Asks whether the control plane is there. */
  async ping(signal: AbortSignal): Promise<void> {
    await this.#call("ping", {}, {}, signal);
  }

  /** The JSON value that `path` answers. */
  async getJson(path: string, signal: AbortSignal): Promise<unknown> {
    const text = await this.#text({ method: "GET", path }, signal);
    return decodeAnswer(path, () => parseFirstValue(text).value);
  }

  /** The JSON value that is answered to `body`; undefined for an empty answer. */
  async postJson(
    path: string,
    body: unknown,
    signal: AbortSignal,
  ): Promise<unknown> {
    const json = JSON.stringify(body);
    const text = await this.#text({ method: "POST", path, json }, signal);
    if (text.trim() === "") return undefined;
    return decodeAnswer(path, () => parseFirstValue(text).value);
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

  /** Reports that the node lives. An empty answer asks for nothing. */
  async heartbeat(
    nodeId: string,
    body: HeartbeatRequest,
    signal: AbortSignal,
  ): Promise<HeartbeatResponse> {
    const json = JSON.stringify(body);
    const text = await this.#call("heartbeat", { nodeId }, { json }, signal);
    return decodeAnswer("heartbeat", () => {
      const value = text.trim() === "" ? {} : parseFirstValue(text).value;
      const hints = withoutNulls(value);
      return checkShape("heartbeat answer", heartbeatResponseSchema, hints);
    });
  }

  /** Pulls what the node should be. */
  async fetchState(nodeId: string, signal: AbortSignal): Promise<DesiredState> {
    const text = await this.#call("state", { nodeId }, {}, signal);
    return decodeAnswer(
      "state",
      () => parseStateDocument(parseFirstValue(text).raw),
    );
  }

  /**
   * Fetches a secret, still encrypted for this node.
   *
   * @throws {ControlError} kind "not_found" without asking for a name that no
   * path can carry.
   */
  async fetchSecret(
    nodeId: string,
    key: string,
    signal: AbortSignal,
  ): Promise<SecretResponse> {
    const text = await this.#call("secret", { nodeId, key }, {}, signal);
    return decodeAnswer("secret", () => {
      const { value } = parseFirstValue(text);
      return checkShape("secret answer", secretResponseSchema, value);
    });
  }

  /** Sends changed and deleted reports. Payloads go out byte for byte. */
  async syncReports(
    nodeId: string,
    changes: ReportChanges,
    signal: AbortSignal,
  ): Promise<void> {
    const json = encodeReportChanges(changes);
    await this.#call("report", { nodeId }, { json }, signal);
  }

  /** Tells what a reconcile corrected. */
  async reportDrift(
    nodeId: string,
    report: DriftReport,
    signal: AbortSignal,
  ): Promise<void> {
    const json = JSON.stringify(report);
    await this.#call("drift", { nodeId }, { json }, signal);
  }

  /**
   * Opens the event stream, from after `lastEventId` when that is given. The
   * stream lasts until `signal` aborts, the reader cancels or the server ends
   * it.
   */
  async openEvents(
    nodeId: string,
    lastEventId: string | undefined,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>> {
    const call = this.#callTo("events", { nodeId });
    return await this.http.events(call, lastEventId, signal);
  }

  async #call(
    name: EndpointName,
    values: { readonly nodeId?: string; readonly key?: string },
    extra: { readonly json?: string },
    signal: AbortSignal,
  ): Promise<string> {
    return await this.#text(
      { ...this.#callTo(name, values), ...extra },
      signal,
    );
  }

  #callTo(
    name: EndpointName,
    values: { readonly nodeId?: string; readonly key?: string },
  ): HttpCall {
    const { method, path } = ENDPOINTS[name];
    const { nodeId = "", key = "" } = values;
    try {
      return {
        method,
        path: fillPath(path, { node_id: nodeId, key }),
        ...(this.#token === undefined ? {} : { bearer: this.#token }),
      };
    } catch (cause) {
      throw new ControlError(
        "not_found",
        `${method} ${path} was not called: a name in it fits no path`,
        { cause },
      );
    }
  }

  async #text(call: HttpCall, signal: AbortSignal): Promise<string> {
    const bearer = this.#token;
    return await this.http.text(
      bearer === undefined ? call : { ...call, bearer },
      signal,
    );
  }
}
