import type { Platform } from "../platform/platform.ts";
import { bearerOf, hashOf, nodeBearer } from "./credentials.ts";
import { ProblemError } from "./http/problem.ts";
import type { Eventual } from "./storage/eventual.ts";
import type { Node, Storage } from "./storage/storage.ts";

/** Who calls, once it has proved it. */
export interface Principal {
  readonly kind: "node";
  readonly id: string;
}

/** Says what a principal may do. An interface, so that an authorizer can answer. */
export interface RelationChecker {
  check(
    principal: Principal,
    relation: "node-agent",
    object: string,
  ): Eventual<boolean>;
}

/** A node is the agent of itself, and of no other. */
export const ownNodeOnly: RelationChecker = {
  check: (principal, _relation, object) => object === `node:${principal.id}`,
};

/** What the gates need. */
export interface GateServices {
  readonly storage: Storage;
  readonly relations: RelationChecker;
  readonly io: Platform;
}

/**
 * The gates before every call of a node, in this order: a caller without a key
 * costs one look-up, and one with a foreign key learns nothing about whether the
 * node exists.
 *
 * @param foreignCode The code for a node that addresses another one.
 * @returns the addressed node.
 * @throws {ProblemError} 401 as {@linkcode passOwnGates}, 403 with that code, 404
 * "node_not_found".
 * @see seed Reconciliation pull, "Security-gate ordering"
 */
export async function passGates(
  request: Request,
  nodeId: string,
  services: GateServices,
  foreignCode: (caller: Node) => string,
): Promise<Node> {
  const caller = await authenticate(request, services);
  const principal = { kind: "node", id: caller.id } as const;
  if (!await isAgentOf(principal, nodeId, services)) {
    throw new ProblemError(403, foreignCode(caller));
  }
  return await lookUp(nodeId, services);
}

/**
 * The gates before a call whose path names no node: the caller is meant.
 *
 * @returns the calling node.
 * @throws {ProblemError} 401 "unauthorized"; where a bearer of dialect 2 is
 * wrong, or is the key of such a node as it was given, 401 "nsk_invalid".
 */
export async function passOwnGates(
  request: Request,
  services: Omit<GateServices, "relations">,
): Promise<Node> {
  const { id } = await authenticate(request, services);
  return await lookUp(id, services);
}

async function authenticate(
  request: Request,
  { storage }: Pick<GateServices, "storage">,
): Promise<Node> {
  const text = bearerOf(request);
  const bearer = text === undefined ? undefined : nodeBearer(text);
  const node = bearer &&
    await storage.read(async (rows) =>
      await rows.nodes.byBearer(hashOf(bearer.nodeSecretKey))
    );
  const isTheirs = node && node.dialect === bearer.dialect &&
    (bearer.nodeId === undefined || bearer.nodeId === node.id);
  if (isTheirs) return node;
  const isNsk = bearer?.dialect === 2 || node?.dialect === 2;
  throw new ProblemError(401, isNsk ? "nsk_invalid" : "unauthorized", {
    headers: { "www-authenticate": "Bearer" },
  });
}

/** A refusal is kept: it may be an attempt. */
async function isAgentOf(
  principal: Principal,
  nodeId: string,
  { relations, storage, io }: GateServices,
): Promise<boolean> {
  const object = `node:${nodeId}`;
  if (await relations.check(principal, "node-agent", object)) return true;
  const subject = `node:${principal.id}`;
  io.log.warn("Node asked for another one", { subject, object });
  await storage.write(async (rows) =>
    await rows.audit.add({
      atMs: io.clock.now(),
      subject,
      relation: "node-agent",
      object,
      outcome: "insufficient_relation",
    })
  ).catch((error) => io.log.error("Audit row not written", { error }));
  return false;
}

async function lookUp(
  nodeId: string,
  { storage, io }: Omit<GateServices, "relations">,
): Promise<Node> {
  const node = await storage.read(async (rows) =>
    await rows.nodes.byId(nodeId)
  );
  if (!node) throw new ProblemError(404, "node_not_found");
  if (node.firstCallAtMs === undefined) {
    // From now on its registration cannot be repeated.
    await storage.write(async (rows) =>
      await rows.nodes.firstCall(nodeId, io.clock.now())
    );
  }
  return node;
}
