import { type Part, runTogether } from "../platform/part.ts";
import type { Platform } from "../platform/platform.ts";
import { ensureAdminToken } from "./admin_token.ts";
import { Artifacts, checkArtifactsFolder } from "./artifacts.ts";
import { Changes } from "./changes.ts";
import { lockDataFolder } from "./data_lock.ts";
import { DEFAULT_DOMAIN, ensureDomain } from "./domains.ts";
import type {
  MessageBus,
  MessageBusServices,
  MessageBusSettings,
} from "./nats/message_bus.ts";
import { LocalFanOut } from "./event_fan_out.ts";
import { EventSigner } from "./event_signer.ts";
import { EventStreams } from "./event_streams.ts";
import { HttpServer } from "./http/http_server.ts";
import { AuditLog } from "./audit/audit_log.ts";
import type { NodeRepo } from "./gates/ports.ts";
import { storedRelations } from "./gates/relations.ts";
import { provision, type Without } from "./provision.ts";
import { requestHandler } from "./request_handler.ts";
import {
  DEFAULT_THRESHOLDS,
  type ReachabilityThresholds,
  ReachabilityWatch,
} from "./reachability.ts";
import { Retention } from "./retention.ts";
import { SnapshotSigner } from "./signed_snapshots.ts";
import { ensureSigningKey } from "./signing_keys.ts";
import { openSqliteStorage } from "./sqlite_storage.ts";
import { ControlPlaneStartError } from "./start_error.ts";
import { storedSnapshots } from "./state/snapshot_provider.ts";
import { type Storage, StorageError } from "./storage/storage.ts";
import {
  ensureTrustBundle,
  openTrustRoot,
  renewTrustBundle,
} from "./trust_bundles.ts";
import { Vault } from "./vault.ts";

/** Options for {@linkcode createControlPlane}. */
export interface ControlPlaneOptions {
  /** Folder of database, master key and admin token; made 0700 if missing. */
  readonly dataDir: string;
  /** Port 0 picks a free one. */
  readonly listen: { readonly hostname: string; readonly port: number };
  /**
   * Where nodes reach the server, when a proxy stands before it: a URL without a
   * trailing slash. @default {as each request names it}
   */
  readonly publicUrl?: string;
  /** PEM texts. @default {plain HTTP} */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Folder of releases for nodes. @default {no artifacts} */
  readonly artifactsDir?: string;
  /** How long a signed state may be relied on. @default {86400000} */
  readonly snapshotLifetimeMs?: number;
  /** Whether nodes that join may ever take an unsigned state. @default {"offered"} */
  readonly signedStates?: "required" | "offered";
  /**
   * The database was restored from a backup: begins a new epoch, since versions
   * that nodes have seen will come again. @default {false}
   */
  readonly newEpoch?: boolean;
  /** What to do without, to see what the server does then. @default {none} */
  readonly without?: readonly Without[];
  /** A second way for events to nodes. @default {event streams alone} */
  readonly messageBus?: MessageBusSettings;
  /** For how long nodes may be silent. @default {90 s and 5 min} */
  readonly reachability?: Partial<ReachabilityThresholds>;
  readonly version: string;
  readonly io: Platform;
}

/** A control plane that listens already and serves until `run` ends. */
export interface ControlPlane extends Part {
  /** Base URL, without a trailing slash. */
  readonly url: string;
  /** File that holds the first admin token, 0600. */
  readonly adminTokenFile: string;
  /** What pull and stream miss, and answer 501 for. */
  readonly missing: readonly string[];
}

/**
 * Opens a control plane on its data folder and starts to listen; `run` must
 * follow, also to close it again.
 *
 * @throws {ControlPlaneStartError} and {Deno.errors.AddrInUse}
 */
export async function createControlPlane(
  options: ControlPlaneOptions,
): Promise<ControlPlane> {
  const { dataDir, listen, tls, version, artifactsDir, io } = options;
  if (artifactsDir !== undefined) await checkArtifactsFolder(artifactsDir);
  Deno.mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  using opened = new DisposableStack();
  opened.use(lockDataFolder(dataDir));
  const storage = openStorage(`${dataDir}/control-plane.db`);
  opened.defer(() => storage.close());
  const vault = await openVault(`${dataDir}/master-key`, storage, io);
  const epoch = await prepare(storage, vault, options.newEpoch ?? false, io);
  const adminTokenFile = `${dataDir}/admin-token`;
  await ensureAdminToken(adminTokenFile, storage, io);

  const fanOut = new LocalFanOut();
  const changes = new Changes({ storage, fanOut, io });
  const signer = new EventSigner({ storage, vault, io });
  const streams = new EventStreams({ storage, signer, fanOut, io });
  const retention = new Retention(storage, io);
  const reachability = new ReachabilityWatch({
    ...DEFAULT_THRESHOLDS,
    ...options.reachability,
    storage,
    changes,
    io,
  });
  const stopping = new AbortController();
  const auditLog = new AuditLog(storage, io);
  const snapshots = new SnapshotSigner({
    storage,
    vault,
    epoch,
    ...(options.snapshotLifetimeMs === undefined
      ? {}
      : { lifetimeMs: options.snapshotLifetimeMs }),
    io,
  });
  const gates = {
    relations: storedRelations(storage),
    nodes: storedNodes(storage),
    audit: auditLog,
  };
  const without = new Set(options.without);
  const bus = provision({
    relations: without.has("relation-checker") ? undefined : gates.relations,
    nodes: without.has("storage") ? undefined : gates.nodes,
    snapshots: without.has("snapshot")
      ? undefined
      : storedSnapshots(storage, snapshots),
    audit: without.has("audit") ? undefined : auditLog,
  });
  const messageBus = options.messageBus && await openMessageBus(
    options.messageBus,
    { storage, vault, signer, fanOut, epoch, io },
  );
  const missing = "missing" in bus ? bus.missing : [];
  if (missing.length > 0) {
    io.log.warn("Pull and stream are not provisioned", { missing });
  }
  const handle = requestHandler({
    storage,
    changes,
    vault,
    streams,
    gates,
    auditLog,
    bus,
    messageBus,
    closed: (["events", "state"] as const).filter((one) => without.has(one)),
    artifacts: new Artifacts(artifactsDir),
    signedStates: options.signedStates ?? "offered",
    epoch,
    publicUrl: options.publicUrl,
    version,
    io,
    stop: stopping.signal,
  });
  const server = new HttpServer({
    ...listen,
    ...(tls ? { tls } : {}),
    handle,
    io,
  });
  const leave = () => {
    stopping.abort(new Error("The control plane stops"));
    streams.closeAll();
  };
  const web: Part = {
    name: "http",
    run: (signal) => server.run(signal, leave),
  };
  const resources = opened.move();
  return {
    name: "control plane",
    url: server.url,
    adminTokenFile,
    missing,
    async run(signal) {
      using _resources = resources;
      // The log goes last: it writes what the others leave.
      const audited = new AbortController();
      const logging = auditLog.run(audited.signal);
      try {
        await runTogether([
          web,
          retention,
          reachability,
          ...messageBus ? [messageBus] : [],
        ], signal);
      } finally {
        audited.abort();
        await logging;
      }
    },
  };
}

/** Its packages are loaded where there is a bus, and nowhere else. */
async function openMessageBus(
  settings: MessageBusSettings,
  services: MessageBusServices,
): Promise<MessageBus> {
  const { openMessageBus } = await import("./nats/message_bus.ts");
  return await openMessageBus(settings, services);
}

function storedNodes(storage: Storage): NodeRepo {
  return {
    byId: (id) => storage.read(async ({ nodes }) => await nodes.byId(id)),
  };
}

function openStorage(path: string): Storage {
  try {
    return openSqliteStorage(path);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    throw new ControlPlaneStartError(
      "database",
      `The database ${path} cannot be opened: ${error.message}`,
      error,
    );
  }
}

/** Once anything is sealed, only the key that sealed it will do. */
async function openVault(
  path: string,
  storage: Storage,
  io: Platform,
): Promise<Vault> {
  const known = await storage.read(async (rows) =>
    await rows.settings.get("master_key_id")
  );
  const vault = await Vault.open(path, known === undefined, io.random);
  if (known === undefined) {
    await storage.write(async (rows) =>
      await rows.settings.set("master_key_id", vault.keyId)
    );
  } else if (known !== vault.keyId) {
    throw new ControlPlaneStartError(
      "master_key",
      `${path} is not the key that the database was sealed with: put that one back`,
    );
  }
  return vault;
}

/** Makes what every database needs. @returns its epoch. */
async function prepare(
  storage: Storage,
  vault: Vault,
  newEpoch: boolean,
  io: Platform,
): Promise<number> {
  const services = { storage, vault, io };
  await ensureSigningKey(services);
  await ensureTrustBundle(services);
  const root = await openTrustRoot(services);
  return await storage.write(async (rows) => {
    await ensureDomain(rows, DEFAULT_DOMAIN, io);
    const known = await rows.settings.get("epoch");
    if (known !== undefined && !newEpoch) return Number(known);
    // Seconds: more than any counter has reached that a backup has forgotten.
    const seconds = Math.floor(io.clock.now() / 1000);
    const epoch = Math.max(seconds, Number(known ?? 0) + 1);
    await rows.settings.set("epoch", String(epoch));
    if (known !== undefined) {
      await renewTrustBundle(rows, root, { atLeast: epoch }, io);
      io.log.info("A new epoch begins", { epoch });
    }
    return epoch;
  });
}
