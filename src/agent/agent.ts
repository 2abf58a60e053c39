import type { Config } from "../config/settings.ts";
import { ChangeFeed } from "../node_api/watch/change_feed.ts";
import { Watchers } from "../node_api/watch/watchers.ts";
import type { KernelFiles } from "../platform/kernel_files.ts";
import { describeError } from "../platform/log.ts";
import { runTogether } from "../platform/part.ts";
import type { Platform } from "../platform/platform.ts";
import { systemDisk } from "../store/disk.ts";
import type { Identity } from "../store/identity.ts";
import type { Recovery } from "../store/recovery.ts";
import { ClockSkew } from "../sync/clock_skew.ts";
import { Degraded } from "../sync/degraded.ts";
import { storeRecoveredRecord } from "./audit_records.ts";
import { buildCaches } from "./caches.ts";
import { countedDisk } from "./counted_disk.ts";
import { CredentialsWatch } from "./credentials_watch.ts";
import { buildDownstream } from "./downstream.ts";
import { buildHealthKeeper, rememberContact } from "./health.ts";
import { flushReports } from "./flush_reports.ts";
import { hideCredentials } from "./hide_credentials.ts";
import { linksTo } from "./links.ts";
import { LoginCheck } from "./login_check.ts";
import { buildLocalApi, buildStatus } from "./local_api.ts";
import type { NodeContext } from "./node_context.ts";
import { buildTasks } from "./node_tasks.ts";
import { nodeUplinkFor } from "./node_uplink.ts";
import { noteChanges } from "./note_changes.ts";
import { openStore } from "./open_store.ts";
import { openUplink } from "./open_uplink.ts";
import { presentNode } from "./present_node.ts";
import { runUntilRejoined } from "./rejoin.ts";
import { Reload, type ReloadPort } from "./reload.ts";
import { Requests } from "./requests.ts";
import { onceConfirmed } from "./restored.ts";
import { restoreState } from "./restore_state.ts";
import { beginRun } from "./run_record.ts";
import type { ServiceLink } from "./service_link.ts";
import { buildSelfWatch } from "./self_watch.ts";
import { SnapshotLog, type SnapshotPort } from "./snapshot_log.ts";
import { openIntake } from "./telemetry_intake.ts";
import { stateChanges } from "./state_changes.ts";
import { noteReasons } from "./transitions.ts";
import { buildUpstream } from "./upstream.ts";
import { buildWakeWatch } from "./wake.ts";
import { joinAtStart, waitToJoin } from "./wait_to_join.ts";
import { watchDisk } from "./watch_disk.ts";
import { watchLogin } from "./watch_login.ts";

/** What {@linkcode runAgent} works with. */
export interface AgentOptions {
  readonly config: Config;
  readonly io: Platform;
  readonly kernel: KernelFiles;
  readonly version: string;
  /** Hears how the agent is. */
  readonly service: ServiceLink;
  readonly reloads: ReloadPort;
  readonly snapshots: SnapshotPort;
  /** Aborts when the agent is to stop. */
  readonly stop: AbortSignal;
}

/**
 * Runs the agent until `stop` aborts or the node is deregistered. Without an
 * identity it waits for one. When the node joins, other credentials are put in
 * place, or its configuration is read anew, all parts start again in the same
 * open store.
 *
 * The order matters. The store is open and loaded before the first byte comes
 * from anywhere, and stays open until the last effect is durable.
 *
 * @throws what keeps it from starting, or the failure of a part.
 */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { config, version, service, stop } = options;
  const intake = openIntake(config, options.io);
  const { io } = intake;
  const startedAtMs = io.clock.now();
  const startedMs = io.clock.elapsed();
  const degraded = new Degraded(io.clock, io.log);
  // What is wrong with the configuration must show before anything is written.
  const skew = new ClockSkew({ clock: io.clock, degraded });
  const login = new LoginCheck(io.clock);
  // It carries telemetry, too: what it logs must not ask for more of that.
  const dial = (config: Config) =>
    openUplink(
      config,
      intake.plainIo,
      version,
      ({ status, headers, tookMs, bearer }) => {
        skew.answered(headers.get("date"), tookMs);
        login.answered(status, bearer);
      },
    );
  const first = { config, client: await dial(config) };
  const counted = countedDisk(systemDisk, io.clock);
  const recovered = (recovery: Recovery) => {
    const detail = `${recovery.file}: ${recovery.what}`;
    degraded.raise("corruption_recovered", { detail });
    intake.record(storeRecoveredRecord(recovery));
  };
  await using store = await openStore(
    config,
    io,
    version,
    recovered,
    counted.disk,
  );
  const { reasons: former } = store.health.record;
  using run = beginRun({ config, version, store, io });
  degraded.restore(former);
  noteReasons(degraded, former, store.transitions);
  const changes = new ChangeFeed(io.clock, io.random);
  noteChanges(changes, store, degraded);
  const disk = watchDisk(degraded);
  store.state.onChange(disk.wrote);
  store.reports.onChange(disk.wrote);
  const { transitions } = store;
  const port = options.reloads;
  using reload = new Reload({
    port,
    first,
    dial,
    service,
    transitions,
    io: intake.answerIo,
  });
  using snapshots = new SnapshotLog({
    port: options.snapshots,
    secrets: () => intake.secrets,
    log: options.io.log,
  });
  const links = linksTo({ store, degraded, io });
  let join: (token: string) => Promise<Identity>;
  const requests = new Requests({
    store,
    join: (token) => join(token),
    recentLog: () => intake.recent.lines(intake.secrets),
    io,
  });
  const credentials = new CredentialsWatch({ store, degraded, port, io });
  const hideCarrier = hideCredentials([intake, store.transitions]);
  let isStarting = true;
  let known: string | undefined;
  const until = AbortSignal.any([stop, requests.left]);
  const live = async (end: AbortSignal): Promise<boolean> => {
    const { config, client } = reload.current;
    const { rejoin, joining, contact } = links(reload.current);
    const identity = await credentials.enrolled() ??
      (isStarting
        ? await joinAtStart(config, joining, credentials, end)
        : undefined);
    isStarting = false;
    if (credentials.inUse !== known) contact.renewed();
    known = credentials.inUse;
    const shared = {
      config,
      version,
      service,
      reload,
      snapshots,
      ending: stop,
      kernel: options.kernel,
      io,
      intake,
      hideCarrier,
      changes,
      storeFigures: counted.figures,
      startedAtMs,
      startedMs,
      store,
      degraded,
      disk,
      agentState: run.agentState,
      requests,
      login,
    };
    if (!identity) {
      login.use(undefined);
      join = (token) => joining.joinNow(token, end);
      return await waitToJoin(shared, joining, end);
    }
    join = (token) => rejoin.joinNow(token, end);
    joining.want(false);
    degraded.clear("not_enrolled");
    // It is on disk, sealed; nothing here works with it.
    identity.privateKey.fill(0);
    intake.hide(identity.nodeSecretKey);
    store.transitions.hide(identity.nodeSecretKey);
    const context = {
      ...shared,
      identity,
      uplink: nodeUplinkFor(identity, {
        http: client.http,
        config,
        version,
        clock: io.clock,
      }),
      exposed: client.exposed,
      contact,
      skew,
    };
    return await runUntilRejoined(
      (leave) => runNode(context, leave),
      rejoin,
      end,
    );
  };
  try {
    for (let again = true; again && !until.aborted;) {
      again = await reload.during(
        (end) => credentials.during(live, end),
        until,
      );
    }
    await requests.finish();
    // Who has left is heard by nobody any more.
    if (!requests.left.aborted) {
      intake.buffers.tellLost("Telemetry is lost by the stop");
    }
  } catch (error) {
    run.failing(describeError(error));
    throw error;
  }
  run.stopped();
}

/** Runs all parts of a registered node: the one place where they meet. */
async function runNode(
  shared: Omit<NodeContext, "tasks">,
  stop: AbortSignal,
): Promise<void> {
  const context = { ...shared, tasks: buildTasks(shared) };
  const { io, version, identity, store } = context;
  const active = await restoreState(context.store, identity, io);
  const downstream = buildDownstream(context, active);
  watchLogin(context, downstream.reconciler);
  const memory = rememberContact(context, downstream);
  const upstream = buildUpstream(context, downstream, memory);
  const self = buildSelfWatch(context, downstream);
  const watchers = new Watchers({
    feed: context.changes,
    most: context.config["node_api.max_watchers"],
    clock: io.clock,
  });
  const status = buildStatus(
    context,
    downstream,
    upstream,
    memory,
    self,
    watchers,
  );
  const api = buildLocalApi(
    context,
    downstream,
    upstream,
    status,
    watchers,
  );
  const { carriers, reconciler, dispatcher, signed } = downstream;
  const { syncer, heartbeat, health, announcements, telemetry } = upstream;
  const named = { node_id: identity.nodeId };

  context.service.present(
    presentNode(context, { api, downstream, upstream, status }),
    stop,
  );
  api.ready.then(
    () => context.reload.works(() => context.tasks.running),
    () => {
      // What runs the parts hears of it.
    },
  );
  io.log.info("Agent started", { version, ...named });
  const parts = [
    api,
    ...carriers.parts,
    buildWakeWatch(context, downstream, heartbeat),
    reconciler,
    signed.lifetime,
    syncer,
    heartbeat,
    health,
    buildHealthKeeper(context, memory, self),
    ...self.parts,
    ...buildCaches(context),
    ...announcements,
    ...telemetry.parts,
    ...context.tasks.parts.map((part) => onceConfirmed(store.restored, part)),
    context.requests.part({
      nodeId: identity.nodeId,
      uplink: context.uplink,
      pull: (reason) => reconciler.trigger(reason),
      pullNow: async (signal) => {
        const before = store.state.view;
        await reconciler.pullNow(signal);
        // Somebody is looking, and the control plane is well again: a stream
        // that it has refused need not wait for its slow probe.
        carriers.tryStream();
        return stateChanges(before, store.state.view);
      },
    }),
  ];
  const document = () => status.document();
  await runTogether(context.snapshots.watch(parts, document), stop);
  if (context.ending.aborted) await flushReports(context, syncer);
  await dispatcher.drain().catch(() => {
    // Logged already, and no failure of the agent: the event comes again.
  });
  io.log.info("Agent stopped", named);
}
