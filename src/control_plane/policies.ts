import type { Platform } from "../platform/platform.ts";
import { uuidV7 } from "../platform/random.ts";
import type { Emit } from "./changes.ts";
import type { Policy } from "./storage/operations.ts";
import type { Rows } from "./storage/storage.ts";

/** The policies of a domain as a state document carries them. */
export async function policiesText(
  rows: Rows,
  domainId: string,
): Promise<string> {
  return `[${(await rows.policies.ofDomain(domainId)).map(policyText)}]`;
}

/** A policy as JSON text. */
export function policyText({ id, rules }: Policy): string {
  return `{"id":${JSON.stringify(id)},"rules":${rules}}`;
}

/**
 * Counts a change of a domain's policies for all its nodes and emits the event,
 * which only hints: nodes pull.
 */
export async function emitPolicyChange(
  rows: Rows,
  emit: Emit,
  domainId: string,
  policyId: string,
  io: Platform,
): Promise<void> {
  await rows.domains.policiesChanged(domainId, uuidV7(io.clock, io.random));
  await rows.nodes.nextStateVersions(domainId);
  await emit({
    type: "policy_updated",
    domainId,
    nodeId: undefined,
    payload: JSON.stringify({ domain_id: domainId, policy_id: policyId }),
  });
}
