import { isoTime } from "../../platform/clock.ts";
import type { Logger } from "../../platform/log.ts";
import type { Capabilities2 } from "../../wire/dialect2/bodies.ts";
import { valueOf } from "../dialect2/report_value.ts";
import { servicesOf } from "../assignments.ts";
import type { Execution } from "../storage/operations.ts";
import type {
  CompositionRows,
  CompositionSource,
  EntryRow,
  PeerRow,
  ReachabilityRow,
} from "./composition_source.ts";
import {
  type NodeStateEntry,
  type NodeStateExecution,
  type NodeStatePeer,
  type NodeStateReachability,
  type NodeStateReports,
  type NodeStateSnapshot,
  RawJson,
} from "./node_state_snapshot.ts";
import { type Addressed, soundPeers } from "./peer_invariants.ts";

/** Go's zero time: there was none. */
const NEVER = "0001-01-01T00:00:00Z";

/** A snapshot was asked for without saying whose. */
export class ZeroNodeIdError extends TypeError {
  override readonly name = "ZeroNodeIdError";
}

/** A snapshot was asked for without saying of which domain. */
export class ZeroDomainIdError extends TypeError {
  override readonly name = "ZeroDomainIdError";
}

/**
 * Composes what a node should be, of one round trip to where the rows are; whole
 * or not at all. The result shares nothing with the rows.
 *
 * @param nowMs Decides which executions have expired.
 * @throws {ZeroNodeIdError} {@linkcode ZeroDomainIdError} and what `source`
 * throws.
 * @see seed Reconciliation pull, "Composition flow"
 */
export async function composeSnapshot(
  source: Pick<CompositionSource, "rowsFor">,
  addressed: Addressed,
  nowMs: number,
  log: Logger,
): Promise<NodeStateSnapshot> {
  const { members, ...rest } = await composeParts(source, addressed, nowMs);
  const peers = soundPeers(members, addressed, log)
    .filter(({ nodeId }) => nodeId !== addressed.nodeId).map(peerOf);
  return { peers, ...rest };
}

/** A snapshot whose peers are not written yet. */
export interface SnapshotParts extends Omit<NodeStateSnapshot, "peers"> {
  /** As the source gave them. */
  readonly members: readonly PeerRow[];
}

/**
 * Everything that {@linkcode composeSnapshot} composes, with the peers as they
 * are stored: in a large domain they are nearly all of it, and nearly the same
 * for each of its nodes.
 *
 * @throws as {@linkcode composeSnapshot}.
 */
export async function composeParts(
  source: Pick<CompositionSource, "rowsFor">,
  { nodeId, domainId }: Addressed,
  nowMs: number,
): Promise<SnapshotParts> {
  if (nodeId === "") throw new ZeroNodeIdError("No node id");
  if (domainId === "") throw new ZeroDomainIdError("No domain id");
  const rows = await source.rowsFor(nodeId, domainId);
  const state = reportsOf(rows.entries);
  const services = servicesOf(rows.services, rows.roles);
  return {
    members: rows.peers,
    reachability: reachabilityOf(rows.reachability),
    policy: rows.policy
      ? {
        revision_id: rows.policy.revisionId,
        fingerprint: rows.policy.fingerprint,
        rules: new RawJson(rows.policy.rules),
      }
      : null,
    bridge: rows.bridge === undefined ? null : new RawJson(rows.bridge),
    state,
    reports: state,
    executions: executionsOf(rows, nowMs),
    sessions: [],
    ...(services.length === 0
      ? {}
      : { services: services.map((text) => new RawJson(text)) }),
  };
}

/** Another node, as dialect 2 carries it. */
export function peerOf(
  { nodeId, meshIp, publicKey, endpoint }: PeerRow,
): NodeStatePeer {
  return {
    node_id: nodeId,
    mesh_ip: meshIp,
    public_key: publicKey,
    ...(endpoint === "" ? {} : { fallback_endpoint: endpoint }),
  };
}

function reachabilityOf(
  { state, lastHeartbeatAtMs, changedAtMs }: ReachabilityRow,
): NodeStateReachability {
  return {
    state,
    last_heartbeat_at: timeOf(lastHeartbeatAtMs),
    changed_at: timeOf(changedAtMs),
  };
}

function timeOf(ms: number | undefined): string {
  return ms === undefined ? NEVER : isoTime(ms);
}

function reportsOf(rows: readonly EntryRow[]): NodeStateReports {
  const of = (kind: EntryRow["kind"], value: (row: EntryRow) => string) =>
    rows.filter((row) => row.kind === kind).map((row): NodeStateEntry => ({
      key: row.key,
      value: value(row),
      ...(row.workloadTag === undefined
        ? {}
        : { workload_tag: row.workloadTag }),
    }));
  return {
    metadata: of("metadata", ({ value }) => value),
    data: of("data", ({ value }) => dataValue(value)),
    reports: of(
      "report",
      ({ contentType = "", value }) => valueOf({ contentType, payload: value }),
    ),
  };
}

/** A payload as the text that dialect 2 has in its place. */
export function dataValue(payload: string): string {
  return payload.startsWith('"') ? JSON.parse(payload) : payload;
}

const STATUS = {
  pending: "pending",
  accepted: "ack",
  started: "started",
  rejected: undefined,
  finished: undefined,
} as const satisfies Record<Execution["state"], string | undefined>;

/** What the node still has to do, oldest first. */
function executionsOf(
  { executions, capabilities }: CompositionRows,
  nowMs: number,
): NodeStateExecution[] {
  const hooks = hooksOf(capabilities);
  return executions.flatMap((execution) => {
    const status = STATUS[execution.state];
    const tooLate = status === "pending" && execution.expiresAtMs <= nowMs;
    if (status === undefined || tooLate) return [];
    return [{
      execution_id: execution.id,
      action: execution.action,
      type: hooks.has(execution.action) ? "hook" : "builtin",
      parameters: new RawJson(execution.parameters),
      status,
      requested_at: isoTime(execution.requestedAtMs),
      expires_at: isoTime(execution.expiresAtMs),
    }];
  });
}

/** Names of what the node has declared as its hooks. */
function hooksOf(capabilities: string | undefined): ReadonlySet<string> {
  if (capabilities === undefined) return new Set();
  const { declared_hooks = [] } = JSON.parse(capabilities) as Capabilities2;
  return new Set(declared_hooks.map(({ name }) => name));
}
