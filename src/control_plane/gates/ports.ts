import type { Eventual } from "../storage/eventual.ts";
import type { AuditRow, Node } from "../storage/storage.ts";

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

/** Finds the addressed node; one look-up, which also tells its domain. */
export interface NodeRepo {
  byId(id: string): Eventual<Node | undefined>;
}

/**
 * Takes rows of the audit log. Best effort: it never throws, never keeps a
 * caller waiting, and never changes what a caller is answered.
 */
export interface AuditSink {
  offer(row: Omit<AuditRow, "atMs">): void;
}
