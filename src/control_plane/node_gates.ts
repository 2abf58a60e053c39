import type { Platform } from "../platform/platform.ts";
import { bearerOf, hashOf } from "./credentials.ts";
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
 * @returns the addressed node.
 * @throws {ProblemError} 401 "unauthorized", 403 "insufficient_relation", 404
 * "node_not_found".
 * @see seed Reconciliation pull, "Security-gate ordering"
 */
export async function passGates(
  request: Request,
  nodeId: string,
  services: GateServices,
): Promise<Node> {
  const principal = await authenticate(request, services);
  await authorize(principal, nodeId, services);
  return await lookUp(nodeId, services);
}

/**
 * The gates before a call whose path names no node: the caller is meant.
 *
 * @returns the calling node.
 * @throws {ProblemError} 401 "unauthorized"
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
): Promise<Principal> {
  const bearer = bearerOf(request);
  const node = bearer === undefined
    ? undefined
    : await storage.read(async (rows) =>
      await rows.nodes.byBearer(hashOf(bearer))
    );
  if (node) return { kind: "node", id: node.id };
  throw new ProblemError(401, "unauthorized", {
    headers: { "www-authenticate": "Bearer" },
  });
}

async function authorize(
  principal: Principal,
  nodeId: string,
  { relations, storage, io }: GateServices,
): Promise<void> {
  const object = `node:${nodeId}`;
  if (await relations.check(principal, "node-agent", object)) return;
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
  throw new ProblemError(403, "insufficient_relation");
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
