import { dirname, join } from "node:path";
import type { Part } from "../platform/part.ts";
import type { Platform } from "../platform/platform.ts";
import { audited } from "./audited.ts";
import type { Gate } from "./gate.ts";
import { socketGate, tcpGate } from "./gate.ts";
import { Places } from "./guard/places.ts";
import { REFUSAL_REASONS } from "./guard/refusal.ts";
import { healthRoutes } from "./health/health_routes.ts";
import { OpenListeners } from "./health/open_listeners.ts";
import { InFlight } from "./in_flight.ts";
import type { Listener } from "./listener.ts";
import { watchListeners } from "./listener_watch.ts";
import { Counts } from "./metrics/counters.ts";
import { metricsRoute } from "./metrics/metrics_route.ts";
import { RequestCounts } from "./metrics/request_counts.ts";
import { openApiRoute } from "./openapi/openapi_route.ts";
import type { ApiSources } from "./ports.ts";
import { readRoutes, reportList } from "./read_routes.ts";
import { refreshFirst } from "./refresh_first.ts";
import { reportRoutes } from "./report_routes.ts";
import { FreshnessMark } from "./representation.ts";
import { requestHandler } from "./request_handler.ts";
import { Router } from "./router.ts";
import {
  secretRoutes,
  unenrolledSecretRoutes,
  withheldSecretRoutes,
} from "./secret_routes.ts";
import { StateBodies } from "./state_bodies.ts";
import { keepListening } from "./supervised.ts";
import { SyncWait } from "./sync_wait.ts";
import {
  openTcpListener,
  parseTcpAddress,
  readTokenFile,
} from "./tcp_listener.ts";
import { openUnixListener } from "./unix_listener.ts";
import { watchRoutes } from "./watch/watch_routes.ts";

/** Settings of the TCP listener. */
export interface HttpSettings {
  /** `host:port`. Port 0 takes any free one. */
  readonly listen: string;
  /** File with the bearer that every request must carry. Read once, at start. */
  readonly tokenFile: string;
  /** Whether secret values are served. @default {true} */
  readonly secrets?: boolean;
  /** Names beside loopback and `listen` that a Host field may give. @default {[]} */
  readonly hosts?: readonly string[];
  /** Time for the head of a request. @default {10000} */
  readonly headerTimeoutMs?: number;
  /** Silence between two requests. @default {60000} */
  readonly idleTimeoutMs?: number;
}

/** Settings of {@linkcode NodeApi}; the seed Local Node API gives the defaults. */
export interface NodeApiSettings {
  /** @default {"/var/run/plexd/api.sock"} */
  readonly socketPath?: string;
  /** @default {"/var/run/plexd/secrets.sock"} */
  readonly secretsSocketPath?: string;
  /** Secret values only on the socket that is theirs. @default {true} */
  readonly splitSecrets?: boolean;
  /** Listens on TCP too. @default {undefined} */
  readonly http?: HttpSettings;
  /**
   * Connections of the TCP listener at a time, and requests that wait on all
   * listeners. @default {1024}
   */
  readonly maxConnections?: number;
  /** How long a stop waits for requests under way. @default {5000} */
  readonly shutdownTimeoutMs?: number;
  /** Group that may use the API. Empty: only this user. @default {"plexd"} */
  readonly group?: string;
  /** Group that may read secrets. Empty: only this user. @default {"plexd-secrets"} */
  readonly secretsGroup?: string;
  /** Where groups are looked up. @default {"/etc/group"} */
  readonly groupFile?: string;
}

/** Options for {@linkcode NodeApi}. */
export interface NodeApiOptions extends ApiSources {
  readonly settings: NodeApiSettings;
  readonly io: Platform;
}

/** The local API: a node's state for the programs that run on it. */
export class NodeApi implements Part {
  readonly name = "node_api";
  readonly #sources: ApiSources;
  readonly #settings: ReturnType<typeof withDefaults>;
  readonly #io: Platform;
  readonly #ready = Promise.withResolvers<void>();
  readonly #inFlight = new InFlight();
  /** Aborts when nobody must be kept waiting for what may come. */
  readonly #leaving = new AbortController();
  /** Aborts when requests under way have had their time. */
  readonly #overdue = new AbortController();
  readonly #bodies: StateBodies;
  readonly #mark: FreshnessMark;
  readonly #requests: RequestCounts;
  readonly #listening = new OpenListeners();
  readonly #refusals = new Counts(
    "plexd_local_api_refused_total",
    "What the guard of TCP has turned away before it was a request, by reason.",
    "reason",
    REFUSAL_REASONS,
  );
  #httpPort: number | undefined;

  /** @throws {RangeError} for a setting out of its range. */
  constructor(options: NodeApiOptions) {
    this.#sources = options;
    this.#settings = withDefaults(options.settings);
    const log = options.io.log.with({ component: "nodeapi" });
    this.#io = { ...options.io, log };
    this.#bodies = new StateBodies(options.state, options.reports);
    this.#mark = new FreshnessMark(() => options.freshness());
    this.#requests = new RequestCounts(options.io.clock);
    // Whoever runs this learns of a failed start from run().
    this.#ready.promise.catch(() => {});
  }

  /** Resolves once all listeners are open; rejects as `run` does. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** The port of the TCP listener, once it is open. */
  get httpPort(): number | undefined {
    return this.#httpPort;
  }

  /** @throws {ListenError} when a listener cannot be opened. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#io;
    const leave = () => this.#leaving.abort(new Error("The agent is stopping"));
    signal.addEventListener("abort", leave, { once: true });
    const openers = this.#openers().map(({ name, open }) => ({
      name,
      open: this.#listening.followed(name, open),
    }));
    const open: Listener[] = [];
    try {
      for (const opener of openers) open.push(await opener.open());
    } catch (error) {
      await Promise.all(open.map((listener) => listener.close()));
      this.#ready.reject(error);
      throw error;
    }
    log.info("Local API is listening", this.#summary());
    this.#ready.resolve();
    const failed = new AbortController();
    const until = AbortSignal.any([signal, failed.signal]);
    const watching = watchListeners({
      listeners: this.#listening,
      descriptors: async () => await this.#sources.descriptors?.(),
      clock,
      log,
    }, until);
    const left = await Promise.allSettled(
      open.map((listener, at) =>
        keepListening(
          listener,
          {
            ...openers[at]!,
            reopened: (name) => this.#sources.reopened?.(name),
            clock,
            log,
          },
          until,
        ).catch((error: unknown) => {
          log.error("Listener given up, the agent ends", { error });
          failed.abort(error);
          leave();
          throw error;
        })
      ),
    );
    await watching;
    this.#sources.watchers.close();
    await this.#finishRequests();
    await Promise.all(
      left.map((one) => one.status === "fulfilled" && one.value?.close()),
    );
    log.info("Local API has stopped", this.#summary());
    failed.signal.throwIfAborted();
  }

  /** The listeners in the order in which they are opened. */
  #openers(): { name: string; open: () => Promise<Listener> }[] {
    const { socketPath, secretsSocketPath, splitSecrets, http } =
      this.#settings;
    const { group, secretsGroup } = this.#settings;
    const openers = [{
      name: socketPath,
      open: this.#unixOpener(socketPath, group, !splitSecrets),
    }];
    if (splitSecrets) {
      openers.push({
        name: secretsSocketPath,
        open: this.#unixOpener(secretsSocketPath, secretsGroup, true),
      });
    }
    if (http) {
      openers.push({ name: http.listen, open: this.#tcpOpener(http) });
    }
    return openers;
  }

  #unixOpener(path: string, group: string, secrets: boolean) {
    const { groupFile } = this.#settings;
    const { log } = this.#io;
    const handler = this.#handler(path, socketGate(), secrets);
    return () => openUnixListener({ path, group, groupFile, handler, log });
  }

  #tcpOpener(http: HttpSettings): () => Promise<Listener> {
    const { clock, log } = this.#io;
    const places = new Places(this.#settings.maxConnections, clock);
    let token: string | undefined;
    return async () => {
      const address = parseTcpAddress(http.listen);
      token ??= readTokenFile(http.tokenFile, log);
      const { hostname } = address;
      const gate = tcpGate({ token, hostname, hosts: http.hosts ?? [] });
      const listener = await openTcpListener({
        address: { hostname, port: this.#httpPort ?? address.port },
        handler: this.#handler(http.listen, gate, http.secrets ?? true),
        innerPath: join(dirname(this.#settings.socketPath), innerName()),
        limits: {
          places,
          headerTimeoutMs: http.headerTimeoutMs ?? 10_000,
          idleTimeoutMs: http.idleTimeoutMs ?? 60_000,
        },
        refused: (reason) => {
          this.#refusals.add(reason);
          this.#listening.refused(http.listen, reason);
        },
        clock,
        log,
      });
      this.#httpPort = listener.port;
      return listener;
    };
  }

  /** @param name What is listened on. */
  #handler(name: string, gate: Gate, secrets: boolean) {
    const { clock, log } = this.#io;
    const stop = this.#overdue.signal;
    const { reports, secrets: source, sync, watchers } = this.#sources;
    const [bodies, mark] = [this.#bodies, this.#mark];
    const refresh = refreshFirst(
      this.#sources.beforeSecret?.bind(this.#sources),
      clock,
    );
    const wait = new SyncWait({
      sync,
      refresh,
      stop: this.#leaving.signal,
      clock,
    });
    const list = reportList(bodies, mark, sync);
    const ofSecrets = !secrets
      ? withheldSecretRoutes()
      : source
      ? secretRoutes({ secrets: source, refresh, stop, log })
      : unenrolledSecretRoutes();
    const [inFlight, requests] = [this.#inFlight, this.#requests];
    const status = () => ({
      ...this.#sources.status(),
      listeners: this.#listening.status,
    });
    const routes = [
      ...readRoutes(bodies, mark, {
        status,
        refusal: () => this.#sources.refusal?.(),
        events: () => this.#sources.events(),
        probe: async () => await this.#sources.probe?.(),
      }),
      ...reportRoutes({ reports, bodies, mark, wait, list, stop, clock, log }),
      ...watchRoutes(watchers, () => this.#sources.refusal?.()),
      ...healthRoutes({
        status: () => this.#sources.status(),
        refusal: () => this.#sources.refusal?.(),
        closedListeners: () => this.#listening.closed,
      }),
      metricsRoute({
        status: () => this.#sources.status(),
        figures: () => this.#sources.figures?.() ?? [],
        listeners: this.#listening,
        refusals: this.#refusals,
        requests,
      }),
      ...audited(ofSecrets, name, (read) => this.#sources.secretRead?.(read)),
    ];
    const version = () => this.#sources.status().version;
    const router = new Router(
      [...routes, openApiRoute(routes, version)],
      requests,
    );
    return requestHandler({
      gate,
      router,
      inFlight,
      mostWaiting: this.#settings.maxConnections,
      refused: (reason) => this.#listening.refused(name, reason),
      requests,
      log,
    });
  }

  /** Lets requests under way finish, but no longer than the shutdown timeout. */
  async #finishRequests(): Promise<void> {
    const finished = new AbortController();
    const deadline = this.#io.clock
      .sleep(this.#settings.shutdownTimeoutMs, finished.signal)
      .then(() => this.#io.log.warn("Requests were cut off by the stop"))
      .catch(() => {});
    await Promise.race([this.#inFlight.leave(), deadline]);
    finished.abort();
    this.#overdue.abort(new Error("The agent is stopping"));
    await deadline;
  }

  #summary() {
    const { socketPath, secretsSocketPath, splitSecrets, http } =
      this.#settings;
    return {
      socket: socketPath,
      ...(splitSecrets ? { secrets_socket: secretsSocketPath } : {}),
      http_enabled: http !== undefined,
      ...(http ? { http_listen: http.listen } : {}),
    };
  }
}

/** Short, so that it fits wherever a socket's own name does. */
function innerName(): string {
  return `.${Deno.pid.toString(36)}g`;
}

function withDefaults(settings: NodeApiSettings) {
  const { shutdownTimeoutMs = 5_000 } = settings;
  if (!(shutdownTimeoutMs > 0)) {
    throw new RangeError(
      `Cannot serve the local API as "shutdownTimeoutMs" must be > 0: current value is ${shutdownTimeoutMs}`,
    );
  }
  return {
    socketPath: settings.socketPath ?? "/var/run/plexd/api.sock",
    secretsSocketPath: settings.secretsSocketPath ??
      "/var/run/plexd/secrets.sock",
    splitSecrets: settings.splitSecrets ?? true,
    http: settings.http,
    maxConnections: settings.maxConnections ?? 1_024,
    shutdownTimeoutMs,
    group: settings.group ?? "plexd",
    secretsGroup: settings.secretsGroup ?? "plexd-secrets",
    groupFile: settings.groupFile ?? "/etc/group",
  };
}
