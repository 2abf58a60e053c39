import { createHash } from "node:crypto";
import { isoTime } from "../../platform/clock.ts";
import type { Capabilities2 } from "../../wire/dialect2/bodies.ts";
import { assignedServices } from "../assignments.ts";
import { reachabilityOf } from "../reachability.ts";
import type { Execution } from "../storage/operations.ts";
import type { Node, Rows } from "../storage/storage.ts";
import { valueOf } from "./report_value.ts";

/** Go's zero time: there was no heartbeat. */
const NEVER = "0001-01-01T00:00:00Z";

/** Another node, as dialect 2 carries it. */
export interface Peer2 {
  readonly node_id: string;
  readonly mesh_ip: string;
  /** Base64 of 32 bytes. */
  readonly public_key: string;
  /** `ip:port`; absent when it has told none. */
  readonly fallback_endpoint?: string;
}

export function peer2(
  node: Pick<Node, "id" | "meshIp" | "publicKey" | "endpoint">,
): Peer2 {
  return {
    node_id: node.id,
    mesh_ip: node.meshIp,
    public_key: node.publicKey,
    ...(node.endpoint === "" ? {} : { fallback_endpoint: node.endpoint }),
  };
}

/** The other nodes of a node's domain, in ascending order of ids. */
export async function peers2(
  rows: Rows,
  { id, domainId }: Pick<Node, "id" | "domainId">,
): Promise<Peer2[]> {
  const nodes = await rows.nodes.ofDomain(domainId);
  return nodes.filter((other) => other.id !== id).map(peer2);
}

/**
 * What a node should be, in dialect 2.
 *
 * @see docs/wire.md, section h.4
 */
export async function snapshot2(
  rows: Rows,
  node: Node,
  nowMs: number,
): Promise<string> {
  return JSON.stringify({
    reachability: reachability2(node, nowMs),
    ...await members(rows, node, nowMs),
  });
}

/** The same without reachability, which changes all by itself. */
export async function signedContent2(
  rows: Rows,
  node: Node,
  nowMs: number,
): Promise<string> {
  return JSON.stringify(await members(rows, node, nowMs));
}

async function members(rows: Rows, node: Node, nowMs: number) {
  const state = await state2(rows, node.id);
  const services = await assignedServices(rows, node);
  return {
    peers: await peers2(rows, node),
    policy: await policy2(rows, node.domainId),
    // There are no bridges, and no sessions that a pull would bring.
    bridge: null,
    state,
    reports: state,
    executions: await executions2(rows, node, nowMs),
    sessions: [],
    ...(services.length === 0
      ? {}
      : { services: services.map((text) => JSON.parse(text)) }),
  };
}

function reachability2(node: Node, nowMs: number) {
  const known = reachabilityOf(node, nowMs);
  if (!known) return { state: "", last_heartbeat_at: NEVER, changed_at: NEVER };
  return {
    state: known.state,
    last_heartbeat_at: isoTime(known.lastHeartbeatAtMs),
    changed_at: isoTime(known.changedAtMs),
  };
}

/** Rules of the domain's policies, in ascending order of ids, as one. */
async function policy2(rows: Rows, domainId: string) {
  const policies = await rows.policies.ofDomain(domainId);
  const domain = await rows.domains.byId(domainId);
  const revisionId = domain?.policyRevision;
  if (policies.length === 0 || revisionId === undefined) return null;
  const rules = policies.flatMap(({ rules }) =>
    (JSON.parse(rules) as StoredRule[]).map(rule2)
  );
  const fingerprint = createHash("sha256").update(JSON.stringify(rules))
    .digest("base64");
  return { revision_id: revisionId, fingerprint, rules };
}

/** A rule as operators set it. */
interface StoredRule {
  readonly src: string;
  readonly dst: string;
  readonly port: number;
  readonly protocol: string;
  readonly action: string;
}

/** Port 0 stands for all ports. */
function rule2({ src, dst, port, protocol, action }: StoredRule) {
  return {
    action,
    protocol,
    source_cidr: src,
    destination_cidr: dst,
    ...(port === 0 ? {} : { ports: { from: port, to: port } }),
  };
}

async function state2(rows: Rows, nodeId: string) {
  const metadata = await rows.values.metadata(nodeId);
  return {
    metadata: [...metadata].map(([key, value]) => ({ key, value })),
    data: (await rows.values.data(nodeId)).map(({ key, payload }) => ({
      key,
      value: dataValue(payload),
    })),
    reports: (await rows.reports.all(nodeId)).map((report) => ({
      key: report.key,
      value: valueOf(report),
      ...(report.workloadTag === undefined
        ? {}
        : { workload_tag: report.workloadTag }),
    })),
  };
}

/** A payload as the text that dialect 2 has in its place. */
function dataValue(payload: string): string {
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
async function executions2(rows: Rows, node: Node, nowMs: number) {
  const hooks = hooksOf(node);
  const all = await rows.executions.ofNode(node.id);
  return all.reverse().flatMap((execution) => {
    const status = STATUS[execution.state];
    const tooLate = status === "pending" && execution.expiresAtMs <= nowMs;
    if (status === undefined || tooLate) return [];
    return [{
      execution_id: execution.id,
      action: execution.action,
      type: hooks.has(execution.action) ? "hook" : "builtin",
      parameters: JSON.parse(execution.parameters),
      status,
      requested_at: isoTime(execution.requestedAtMs),
      expires_at: isoTime(execution.expiresAtMs),
    }];
  });
}

/** Names of what the node has declared as its hooks. */
function hooksOf({ capabilities }: Node): ReadonlySet<string> {
  if (capabilities === undefined) return new Set();
  const { declared_hooks = [] } = JSON.parse(capabilities) as Capabilities2;
  return new Set(declared_hooks.map(({ name }) => name));
}
