/** Which roles nodes have, and which services a role brings. */
import type { Eventual } from "./eventual.ts";

/** A service of a domain. */
export interface DomainService {
  readonly name: string;
  /** A node with any of these roles has it, in ascending order. */
  readonly roles: readonly string[];
  /** JSON object of its other members, as nodes get them. */
  readonly spec: string;
}

export interface AssignmentRows {
  /** In ascending order of names. */
  services(domainId: string): Eventual<DomainService[]>;
  service(domainId: string, name: string): Eventual<DomainService | undefined>;
  putService(domainId: string, service: DomainService): Eventual<void>;
  /** @returns whether it was there. */
  removeService(domainId: string, name: string): Eventual<boolean>;
  /** Of a node, in ascending order. */
  roles(nodeId: string): Eventual<string[]>;
  /** @returns whether the node did not have it. */
  addRole(nodeId: string, role: string): Eventual<boolean>;
  /** @returns whether the node had it. */
  removeRole(nodeId: string, role: string): Eventual<boolean>;
}
