import type { Emit } from "./changes.ts";
import { emitHint } from "./node_changes.ts";
import type { DomainService } from "./storage/assignments.ts";
import type { Node, Rows } from "./storage/storage.ts";

/**
 * The services that a node's roles bring, as JSON texts in ascending order of
 * names; each names the roles that bring it.
 *
 * @see docs/wire.md, section j.1
 */
export async function assignedServices(
  rows: Rows,
  { id, domainId }: Pick<Node, "id" | "domainId">,
): Promise<string[]> {
  const own = await rows.assignments.roles(id);
  if (own.length === 0) return [];
  return servicesOf(await rows.assignments.services(domainId), own);
}

/** The same, of the services of a domain and the roles of a node. */
export function servicesOf(
  services: readonly DomainService[],
  ownRoles: readonly string[],
): string[] {
  const own = new Set(ownRoles);
  return services.flatMap((service) => {
    const roles = service.roles.filter((role) => own.has(role));
    return roles.length === 0 ? [] : [serviceText({ ...service, roles })];
  });
}

/** A service as JSON text. */
export function serviceText({ name, roles, spec }: DomainService): string {
  return `{"name":${JSON.stringify(name)},"roles":${JSON.stringify(roles)},` +
    spec.slice(1);
}

/** Tells every node of a domain that has one of some roles to pull. */
export async function emitAssignments(
  rows: Rows,
  emit: Emit,
  domainId: string,
  roles: ReadonlySet<string>,
  epoch: number,
): Promise<void> {
  for (const node of await rows.nodes.ofDomain(domainId)) {
    const own = await rows.assignments.roles(node.id);
    if (own.some((role) => roles.has(role))) {
      await emitHint(rows, emit, node, epoch);
    }
  }
}
