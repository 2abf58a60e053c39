import { createHash } from "node:crypto";
import type { Platform } from "../platform/platform.ts";
import { uuidV7 } from "../platform/random.ts";
import type { Emit } from "./changes.ts";
import { MAX_EVENT_PAYLOAD_BYTES } from "./node_changes.ts";
import type { CompiledPolicy, Policy } from "./storage/operations.ts";
import type { Node, Rows } from "./storage/storage.ts";

/** No policy matches. */
const NONE = "[]";

/** What compiling works with. */
export interface PolicyServices {
  /** Of this database. */
  readonly epoch: number;
  readonly io: Platform;
}

/** A policy as nodes of dialect 1 see it. */
export function policyText({ id, rules }: Policy): string {
  return `{"id":${JSON.stringify(id)},"rules":${rules}}`;
}

/** A policy as operators see it. */
export function adminPolicyText(policy: Policy): string {
  const { selector } = policy;
  if (!selector) return policyText(policy);
  return `${policyText(policy).slice(0, -1)},${
    JSON.stringify(selector).slice(1)
  }`;
}

/**
 * Compiles the policies of a domain for its nodes, or for one of them; each node
 * for which they come to something else gets a new revision, which its pull
 * shows and an event tells.
 */
export async function compilePolicies(
  rows: Rows,
  emit: Emit,
  domainId: string,
  services: PolicyServices,
  onlyNodeId?: string,
): Promise<void> {
  const policies = await rows.policies.ofDomain(domainId);
  const nodes = onlyNodeId === undefined
    ? await rows.nodes.ofDomain(domainId)
    : [await rows.nodes.byId(onlyNodeId)].filter((node) => node !== undefined);
  for (const node of nodes) {
    const before = await rows.compiledPolicies.of(node.id);
    const after = await compiled(rows, node, policies, before, services.io);
    if (after === before) continue;
    await rows.compiledPolicies.put(after);
    if (seenBy(node, before) === seenBy(node, after)) continue;
    await tell(rows, emit, node, after, services.epoch);
  }
}

/** Compiles for a node that has just come; it pulls what came out. */
export async function compileForNewNode(
  rows: Rows,
  node: Pick<Node, "id" | "domainId">,
  io: Platform,
): Promise<void> {
  const policies = await rows.policies.ofDomain(node.domainId);
  const result = await compiled(rows, node, policies, undefined, io);
  await rows.compiledPolicies.put(result);
}

/** What of the result reaches the node, as text. */
function seenBy(
  { dialect }: Pick<Node, "dialect">,
  result: CompiledPolicy | undefined,
): string {
  const { matched, rules } = result ?? { matched: NONE, rules: NONE };
  if (dialect === 1) return matched;
  return matched === NONE ? "null" : rules;
}

/** @returns `before` itself when nothing has changed. */
async function compiled(
  rows: Rows,
  { id }: Pick<Node, "id">,
  policies: readonly Policy[],
  before: CompiledPolicy | undefined,
  { clock, random }: Platform,
): Promise<CompiledPolicy> {
  const metadata = policies.some(({ selector }) => selector?.metadata)
    ? await rows.values.metadata(id)
    : new Map<string, string>();
  const matching = policies.filter((one) => matches(one, id, metadata));
  const matched = `[${matching.map(policyText)}]`;
  if (before?.matched === matched) return before;
  const rules = mergedRules(matching);
  if (before?.rules === rules) return { ...before, matched };
  const fingerprint = createHash("sha256").update(rules).digest("base64");
  const revisionId = uuidV7(clock, random);
  return { nodeId: id, revisionId, fingerprint, rules, matched };
}

/** Without a selector, a policy is for every node of its domain. */
function matches(
  { selector }: Policy,
  nodeId: string,
  metadata: ReadonlyMap<string, string>,
): boolean {
  if (!selector) return true;
  if (selector.nodes && !selector.nodes.includes(nodeId)) return false;
  return Object.entries(selector.metadata ?? {})
    .every(([key, value]) => metadata.get(key) === value);
}

/** A rule as operators set it. */
interface StoredRule {
  readonly src: string;
  readonly dst: string;
  readonly port: number;
  readonly protocol: string;
  readonly action: string;
}

/** Rules as dialect 2 carries them, policies in ascending order of ids. */
function mergedRules(policies: readonly Policy[]): string {
  const rules = policies.flatMap(({ rules }) =>
    (JSON.parse(rules) as StoredRule[]).map(rule2)
  );
  return JSON.stringify(rules);
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

async function tell(
  rows: Rows,
  emit: Emit,
  node: Node,
  { revisionId, fingerprint, rules, matched }: CompiledPolicy,
  epoch: number,
): Promise<void> {
  const version = await rows.nodes.nextStateVersion(node.id);
  const scope = `"node_id":${JSON.stringify(node.id)},"epoch":${epoch}` +
    `,"state_version":${version}`;
  const policy = matched === NONE
    ? "null"
    : `{"revision_id":${JSON.stringify(revisionId)}` +
      `,"fingerprint":${JSON.stringify(fingerprint)},"rules":${rules}}`;
  const content = node.dialect === 1
    ? `"policies":${matched}`
    : `"policy":${policy}`;
  const fits = new TextEncoder().encode(content).length <=
    MAX_EVENT_PAYLOAD_BYTES;
  await emit({
    type: "policy_updated",
    domainId: node.domainId,
    nodeId: node.id,
    payload: fits ? `{${scope},${content}}` : `{${scope}}`,
  });
}
