import { NodeApi, type NodeApiSettings } from "../../src/node_api/node_api.ts";
import type { ApiSources } from "../../src/node_api/ports.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { FakeSources } from "./fake_sources.ts";

/** An API that listens in a folder of its own, until it is disposed of. */
export interface RunningApi extends AsyncDisposable {
  readonly api: NodeApi;
  readonly folder: string;
  readonly socket: string;
  readonly secretsSocket: string;
  readonly clock: FakeClock;
  readonly log: MemoryLog;
  /** Asks it to stop. */
  stop(): void;
  /** Settles when it has stopped. */
  readonly stopped: Promise<void>;
}

/** Starts an API; `settings` may depend on its folder. */
export async function startApi(
  sources: ApiSources = new FakeSources(),
  settings: (folder: string) => NodeApiSettings = () => ({}),
): Promise<RunningApi> {
  const folder = await Deno.makeTempDir({ prefix: "plexd-api-" });
  const socket = `${folder}/api.sock`;
  const secretsSocket = `${folder}/secrets.sock`;
  const clock = new FakeClock();
  const log = new MemoryLog();
  const api = new NodeApi({
    state: sources.state,
    reports: sources.reports,
    ...(sources.sync ? { sync: sources.sync } : {}),
    ...(sources.secrets ? { secrets: sources.secrets } : {}),
    beforeSecret: async (signal) => await sources.beforeSecret?.(signal),
    secretRead: (read) => sources.secretRead?.(read),
    status: () => sources.status(),
    events: () => sources.events(),
    watchers: sources.watchers,
    ...(sources.descriptors
      ? { descriptors: () => sources.descriptors!() }
      : {}),
    reopened: (listener) => sources.reopened?.(listener),
    freshness: () => sources.freshness(),
    refusal: () => sources.refusal?.(),
    settings: {
      socketPath: socket,
      secretsSocketPath: secretsSocket,
      group: "",
      secretsGroup: "",
      ...settings(folder),
    },
    io: { clock, log, random: new FakeRandom() },
  });
  const stop = new AbortController();
  const stopped = api.run(stop.signal);
  stopped.catch(() => {});
  const remove = () => Deno.remove(folder, { recursive: true });
  try {
    await api.ready;
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    api,
    folder,
    socket,
    secretsSocket,
    clock,
    log,
    stop: () => stop.abort(),
    stopped,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await stopped;
      await remove();
    },
  };
}

/** Writes a token file into `folder` and gives the settings that use it. */
export function httpSettings(
  folder: string,
  token: string,
  rest: Partial<NonNullable<NodeApiSettings["http"]>> = {},
): NodeApiSettings {
  const tokenFile = `${folder}/token`;
  Deno.writeTextFileSync(tokenFile, `${token}\n`, { mode: 0o600 });
  return { http: { listen: "127.0.0.1:0", tokenFile, ...rest } };
}
