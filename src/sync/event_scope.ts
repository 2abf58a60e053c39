/**
 * Whether an event of dialect 2 is for another node or another domain. A scope
 * of another kind, or none, is nobody's in particular.
 *
 * @param domainId Absent where the control plane has not named the domain.
 * @see docs/wire.md, section h.8
 */
export function isForeignScope(
  scope: string,
  nodeId: string,
  domainId?: string,
): boolean {
  const colon = scope.indexOf(":");
  const kind = scope.slice(0, Math.max(colon, 0));
  const id = scope.slice(colon + 1).toLowerCase();
  if (kind === "node") return id !== nodeId.toLowerCase();
  if (kind !== "domain" || domainId === undefined) return false;
  return id !== domainId.toLowerCase();
}
