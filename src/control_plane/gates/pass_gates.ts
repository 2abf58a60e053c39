import type { Platform } from "../../platform/platform.ts";
import type { ProblemCode } from "../http/problem_codes.ts";
import type { Node, Storage } from "../storage/storage.ts";
import { authenticated, lookedUp, related } from "./gates.ts";
import type { AuditSink, NodeRepo, RelationChecker } from "./ports.ts";

/** What the gates ask. */
export interface GatePorts {
  readonly relations: RelationChecker;
  readonly nodes: NodeRepo;
  /** Absent: nothing is audited, and nothing else changes. */
  readonly audit: AuditSink | undefined;
}

/** What the gates work with beside their ports. */
export interface GateServices {
  readonly storage: Storage;
  readonly io: Platform;
}

/** How a call is named in the audit log, and how it is refused. */
export interface GatedCall {
  readonly nodeId: string;
  readonly auditedAs: string;
  /** The code for a caller that addresses another node. */
  readonly refusal: (caller: Node) => ProblemCode;
  /** IP address that the call came from. */
  readonly source: string;
}

/** A call that has passed. */
export interface Passed {
  /** The addressed node. */
  readonly node: Node;
  /** Who called, as the audit log names it. */
  readonly subject: string;
}

/**
 * The gates before every call of a node, fail-closed and in the order that
 * security asks for:
 *
 * | Gate | Turned away | With |
 * |---|---|---|
 * | 1 authenticated | no valid key | 401 |
 * | 2 related | the agent of another node | 403, audited |
 * | 3 looked up | a node that is not there | 404 |
 *
 * The fourth, composition, is the call's own.
 *
 * @throws {ProblemError} as the gates do.
 * @see seed Reconciliation pull, "Security-gate ordering"
 */
export async function passGates(
  request: Request,
  { nodeId, auditedAs, refusal, source }: GatedCall,
  { relations, nodes, audit }: GatePorts,
  { storage, io }: GateServices,
): Promise<Passed> {
  const caller = await authenticated(request, storage);
  await related(caller.principal, {
    nodeId,
    relations,
    audit,
    auditedAs,
    refusal: refusal(caller.node),
    source,
    io,
  });
  const node = await lookedUp(nodeId, nodes);
  await noteFirstCall(node, { storage, io });
  return { node, subject: `node:${caller.principal.id}` };
}

/**
 * The gates before a call whose path names no node: the caller is meant.
 *
 * @returns the calling node.
 * @throws {ProblemError} 401 as {@linkcode authenticated}.
 */
export async function passOwnGates(
  request: Request,
  services: GateServices,
): Promise<Node> {
  const { node } = await authenticated(request, services.storage);
  await noteFirstCall(node, services);
  return node;
}

/** From its first call on, the registration of a node cannot be repeated. */
async function noteFirstCall(
  { id, firstCallAtMs }: Node,
  { storage, io }: GateServices,
): Promise<void> {
  if (firstCallAtMs !== undefined) return;
  await storage.write(async (rows) =>
    await rows.nodes.firstCall(id, io.clock.now())
  );
}
