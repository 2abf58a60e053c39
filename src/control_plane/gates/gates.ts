import type { Platform } from "../../platform/platform.ts";
import { bearerOf, hashOf, nodeBearer } from "../credentials.ts";
import { ProblemError } from "../http/problem.ts";
import type { ProblemCode } from "../http/problem_codes.ts";
import type { Node, Storage } from "../storage/storage.ts";
import type {
  AuditSink,
  NodeRepo,
  Principal,
  RelationChecker,
} from "./ports.ts";

/** A caller that has proved who it is. */
export interface Caller {
  readonly principal: Principal;
  /** What is known of it; another look-up decides whether it is there still. */
  readonly node: Node;
}

/**
 * Gate 1: a caller without a valid key is turned away before anything is looked
 * up for it.
 *
 * @throws {ProblemError} 401 "unauthorized"; where a bearer of dialect 2 is
 * wrong, or is the key of such a node as it was given, 401 "nsk_invalid", where
 * an operator has revoked it 401 "nsk_revoked".
 */
export async function authenticated(
  request: Request,
  storage: Storage,
): Promise<Caller> {
  const text = bearerOf(request);
  const bearer = text === undefined ? undefined : nodeBearer(text);
  const node = bearer &&
    await storage.read(async (rows) =>
      await rows.nodes.byBearer(hashOf(bearer.nodeSecretKey))
    );
  const isTheirs = node && node.dialect === bearer.dialect &&
    (bearer.nodeId === undefined || bearer.nodeId === node.id);
  const isRevoked = node?.revokedAtMs !== undefined;
  if (isTheirs && !isRevoked) {
    return { node, principal: { kind: "node", id: node.id } };
  }
  const isNsk = bearer?.dialect === 2 || node?.dialect === 2;
  const nskCode = isTheirs ? "nsk_revoked" : "nsk_invalid";
  throw new ProblemError(401, isNsk ? nskCode : "unauthorized", {
    headers: { "www-authenticate": "Bearer" },
  });
}

/** What {@linkcode related} is told of the call. */
export interface Related {
  readonly nodeId: string;
  readonly relations: RelationChecker;
  /** Absent: a refusal leaves no row. */
  readonly audit: AuditSink | undefined;
  /** Under which name the call is audited. */
  readonly auditedAs: string;
  /** The code of a refusal. */
  readonly refusal: ProblemCode;
  /** IP address that the call came from. */
  readonly source: string;
  readonly io: Platform;
}

/**
 * Gate 2: a caller learns nothing about a node that it is not the agent of, not
 * even whether it exists. A refusal is audited: it may be an attempt.
 *
 * @throws {ProblemError} 403 with the code of the refusal.
 */
export async function related(
  principal: Principal,
  { nodeId, relations, audit, auditedAs, refusal, source, io }: Related,
): Promise<void> {
  const object = `node:${nodeId}`;
  if (await relations.check(principal, "node-agent", object)) return;
  const subject = `node:${principal.id}`;
  io.log.warn("Node asked for another one", { subject, object, source });
  audit?.offer({
    subject,
    relation: auditedAs,
    object,
    outcome: "insufficient_relation",
    source,
  });
  throw new ProblemError(403, refusal);
}

/**
 * Gate 3: the node must be there. After gate 2, so that nobody can try ids out;
 * the look-up also tells the domain for what follows.
 *
 * @throws {ProblemError} 404 "node_not_found".
 */
export async function lookedUp(nodeId: string, nodes: NodeRepo): Promise<Node> {
  const node = await nodes.byId(nodeId);
  if (!node) throw new ProblemError(404, "node_not_found");
  return node;
}
