import { apiError, documentOf, memberOf } from "./answers.ts";
import {
  call,
  type CallOptions,
  type LocalAnswer,
  type Method,
} from "./call.ts";
import type { ClientClock } from "./client_clock.ts";
import type {
  DataSummary,
  Entry,
  Events,
  FullState,
  Json,
  KeyAndVersion,
  MetadataValue,
  ReportWithSync,
  SecretValue,
  StateSummary,
  Status,
  SyncState,
  WatchEvent,
  WrittenReport,
} from "./documents.ts";
import type { Target } from "./http.ts";
import { watch, type WatchOptions } from "./watch.ts";

/** Where an agent listens if nothing else is set. */
export const API_SOCKET = "/var/run/plexd/api.sock";
/** Where it gives the values of secrets. */
export const SECRETS_SOCKET = "/var/run/plexd/secrets.sock";

/** Options for {@linkcode PlexdClient}. */
export interface PlexdClientOptions {
  /**
   * Where the values of secrets are asked for.
   * @default its socket if the target is {@linkcode API_SOCKET}, else the target
   */
  readonly secrets?: Target;
  /** Longest wait for one answer. @default {30000} */
  readonly limitMs?: number;
  /** @default that of the machine */
  readonly clock?: ClientClock;
}

/** What was read, and how fresh it is. */
export interface Read<T> {
  readonly value: T;
  /** The answer as it came: numbers keep their text. */
  readonly text: string;
  /** Where it was read. */
  readonly path: string;
  /** For {@linkcode PlexdClient.ifChanged}. */
  readonly etag: string | undefined;
  /** When the control plane last confirmed the state; RFC 3339. */
  readonly verifiedAt: string | undefined;
  /** It is served all the same, but the control plane is away for long. */
  readonly stale: boolean;
}

/** What a report is written under. */
export interface WriteOptions {
  /** Only over this version; 0: only if there is none. */
  readonly ifMatch?: number;
  /** Only if there is none. @default {false} */
  readonly createOnly?: boolean;
}

/** How long a writer waits until the control plane has it. */
export interface WaitOptions {
  /** At most this long, 1 to 60000. @default no wait at all */
  readonly waitSyncedMs?: number;
}

/** Options for {@linkcode PlexdClient.putReport}. */
export interface PutOptions extends WriteOptions, WaitOptions {
  /** Of the payload. @default {"application/json"} */
  readonly contentType?: string;
}

/** One report of a batch. */
export interface NewReport extends WriteOptions {
  readonly key: string;
  readonly payload: Json;
  /** @default {"application/json"} */
  readonly contentType?: string;
}

/** What became of a write; `sync` is known to those who waited. */
export interface Written<T> {
  readonly value: T;
  readonly sync: SyncState | undefined;
}

/** What a probe says. */
export interface Probe {
  readonly ok: boolean;
  /** The document behind it, with reasons. */
  readonly body: unknown;
}

/**
 * A typed client of the local API, with a fresh connection for each call.
 * Everything rejects with {@linkcode LocalCallError} when the agent cannot be
 * asked, and with {@linkcode ApiError} when its answer is no success.
 *
 * @see docs/local-api.md
 */
export class PlexdClient {
  readonly #target: Target;
  readonly #secrets: Target;
  readonly #options: Pick<CallOptions, "clock" | "limitMs">;
  readonly #limitMs: number;

  constructor(target: Target = API_SOCKET, options: PlexdClientOptions = {}) {
    const { secrets, clock, limitMs = 30_000 } = options;
    this.#target = target;
    this.#secrets = secrets ??
      (target === API_SOCKET ? SECRETS_SOCKET : target);
    this.#limitMs = limitMs;
    this.#options = { limitMs, ...(clock ? { clock } : {}) };
  }

  /** All metadata, and the names of everything else. */
  state(): Promise<Read<StateSummary>> {
    return this.#read("/v1/state", { metadata: "object", data_keys: "array" });
  }

  /** One consistent read of everything but the values of secrets. */
  fullState(): Promise<Read<FullState>> {
    return this.#read("/v1/state?full=true", {
      metadata: "object",
      data: "array",
      reports: "array",
    });
  }

  metadata(): Promise<Read<Readonly<Record<string, string>>>> {
    return this.#read("/v1/state/metadata", {});
  }

  metadataValue(key: string): Promise<Read<MetadataValue>> {
    const path = `/v1/state/metadata/${segment(key)}`;
    return this.#read(path, { key: "string", value: "string" });
  }

  data(): Promise<Read<readonly DataSummary[]>> {
    return this.#read("/v1/state/data", "list");
  }

  /** @typeParam Payload What its author has agreed on; it is not checked. */
  dataEntry<Payload = Json>(key: string): Promise<Read<Entry<Payload>>> {
    const path = `/v1/state/data/${segment(key)}`;
    return this.#read(path, { key: "string", version: "number" });
  }

  /** Names and versions of secrets. */
  secrets(): Promise<Read<readonly KeyAndVersion[]>> {
    return this.#read("/v1/state/secrets", "list");
  }

  /** The value of a secret; the agent asks the control plane each time. */
  async secret(key: string): Promise<SecretValue> {
    const path = `/v1/state/secrets/${segment(key)}`;
    const answer = await this.#ask("GET", path, undefined, {}, this.#secrets);
    const shape = { key: "string", value: "string" } as const;
    return documentOf(answer, shape, this.#secrets);
  }

  reports(): Promise<Read<readonly KeyAndVersion[]>> {
    return this.#read("/v1/state/report", "list");
  }

  /** {@linkcode reports}, with how far each is on its way. */
  reportsWithSync(): Promise<Read<readonly ReportWithSync[]>> {
    return this.#read("/v1/state/report?sync=true", "list");
  }

  /** @typeParam Payload What its author has agreed on; it is not checked. */
  report<Payload = Json>(key: string): Promise<Read<Entry<Payload>>> {
    const path = `/v1/state/report/${segment(key)}`;
    return this.#read(path, { key: "string", version: "number" });
  }

  /**
   * Writes a report. It is on disk then, and with `waitSyncedMs` and sync
   * `synced` at the control plane, too.
   *
   * @throws {ApiError} 409 or 412 when the condition does not hold.
   */
  async putReport(
    key: string,
    payload: Json,
    options: PutOptions = {},
  ): Promise<Written<Entry>> {
    const { ifMatch, createOnly, contentType = "application/json" } = options;
    const answer = await this.#ask(
      "PUT",
      `/v1/state/report/${segment(key)}${waiting(options)}`,
      { content_type: contentType, payload },
      {
        headers: {
          ...(ifMatch === undefined ? {} : { "if-match": String(ifMatch) }),
          ...(createOnly ? { "if-none-match": "*" } : {}),
        },
        ...this.#longer(options),
      },
    );
    const shape = { key: "string", version: "number" } as const;
    return {
      value: documentOf(answer, shape, this.#target),
      sync: syncOf(answer),
    };
  }

  /** Writes all of several reports, or none. */
  async putReports(
    reports: readonly NewReport[],
    options: WaitOptions = {},
  ): Promise<readonly WrittenReport[]> {
    const answer = await this.#ask(
      "PUT",
      `/v1/state/report${waiting(options)}`,
      {
        reports: reports.map((report) => ({
          key: report.key,
          content_type: report.contentType ?? "application/json",
          payload: report.payload,
          ...(report.ifMatch === undefined ? {} : { if_match: report.ifMatch }),
          ...(report.createOnly ? { create_only: true } : {}),
        })),
      },
      this.#longer(options),
    );
    return documentOf<{ reports: readonly WrittenReport[] }>(
      answer,
      { reports: "array" },
      this.#target,
    ).reports;
  }

  /** @throws {ApiError} 404 when there is none. */
  async deleteReport(
    key: string,
    options: WaitOptions = {},
  ): Promise<Written<void>> {
    const path = `/v1/state/report/${segment(key)}${waiting(options)}`;
    const longer = this.#longer(options);
    const answer = await this.#ask("DELETE", path, undefined, longer);
    return { value: undefined, sync: syncOf(answer) };
  }

  async status(): Promise<Status> {
    const answer = await this.#ask("GET", "/v1/status");
    const shape = { status: "string", reasons: "array" } as const;
    return documentOf(answer, shape, this.#target);
  }

  async events(): Promise<Events> {
    const answer = await this.#ask("GET", "/v1/events");
    return documentOf(answer, { events: "array" }, this.#target);
  }

  /** Whether the process lives. */
  healthz(): Promise<Probe> {
    return this.#probe("/healthz");
  }

  /** Whether what it serves can be relied on. */
  readyz(): Promise<Probe> {
    return this.#probe("/readyz");
  }

  /** The figures, as Prometheus reads them. */
  async metrics(): Promise<string> {
    const options = { isText: true };
    return (await this.#ask("GET", "/metrics", undefined, options)).text;
  }

  /** The description of this API for machines. */
  async openapi(): Promise<Readonly<Record<string, unknown>>> {
    const answer = await this.#ask("GET", "/openapi.json");
    return documentOf(answer, { openapi: "string" }, this.#target);
  }

  /** {@linkcode watch} */
  watch(
    options: Omit<WatchOptions, "clock"> = {},
  ): AsyncGenerator<WatchEvent, void> {
    const { clock } = this.#options;
    return watch(this.#target, { ...options, ...(clock ? { clock } : {}) });
  }

  /**
   * Reads again, and transfers nothing when it is still the same.
   *
   * @returns undefined then.
   */
  async ifChanged<T>(before: Read<T>): Promise<Read<T> | undefined> {
    const { etag = "" } = before;
    const answer = await this.#ask("GET", before.path, undefined, {
      headers: { "if-none-match": etag },
    });
    if (answer.status === 304) return undefined;
    const members = Array.isArray(before.value) ? "list" : {};
    return readOf(
      answer,
      before.path,
      documentOf<T>(answer, members, this.#target),
    );
  }

  async #read<T>(
    path: string,
    members: Parameters<typeof documentOf>[1],
  ): Promise<Read<T>> {
    const answer = await this.#ask("GET", path);
    return readOf(answer, path, documentOf<T>(answer, members, this.#target));
  }

  async #probe(path: string): Promise<Probe> {
    const { status, headers, body } = await call(
      this.#target,
      "GET",
      path,
      undefined,
      this.#options,
    );
    // Not ready is an answer, and no failure; a refusal has an error.
    if (status === 200 || (status === 503 && !memberOf(body, "error"))) {
      return { ok: status === 200, body };
    }
    throw apiError({ status, headers, body });
  }

  async #ask(
    method: Method,
    path: string,
    body?: unknown,
    options: CallOptions = {},
    target = this.#target,
  ): Promise<LocalAnswer> {
    const answer = await call(target, method, path, body, {
      ...this.#options,
      ...options,
    });
    if (answer.status < 300 || answer.status === 304) return answer;
    throw apiError(answer);
  }

  /** A call that waits at the agent has to wait here, too. */
  #longer({ waitSyncedMs = 0 }: WaitOptions): Pick<CallOptions, "limitMs"> {
    return { limitMs: this.#limitMs + waitSyncedMs };
  }
}

function readOf<T>(
  { headers, text }: LocalAnswer,
  path: string,
  value: T,
): Read<T> {
  return {
    value,
    text,
    path,
    etag: headers.get("etag") ?? undefined,
    verifiedAt: headers.get("x-plexd-verified-at") ?? undefined,
    stale: headers.get("x-plexd-stale") === "true",
  };
}

function waiting({ waitSyncedMs }: WaitOptions): string {
  return waitSyncedMs === undefined
    ? ""
    : `?wait=synced&timeout=${waitSyncedMs}ms`;
}

function syncOf({ headers }: LocalAnswer): SyncState | undefined {
  return headers.get("x-plexd-sync") as SyncState | null ?? undefined;
}

/**
 * A key as one segment of a path.
 *
 * @throws {URIError} for one that no path can carry.
 */
function segment(key: string): string {
  if (key === "" || key === "." || key === "..") {
    throw new URIError(`"${key}" cannot be a key`);
  }
  return encodeURIComponent(key);
}
