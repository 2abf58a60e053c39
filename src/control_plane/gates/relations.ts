import type { Storage } from "../storage/storage.ts";
import type { RelationChecker } from "./ports.ts";

/**
 * Relations as rows: a node becomes the agent of itself when it registers.
 *
 * @see seed Reconciliation pull, "node-agent relation"
 */
export function storedRelations(storage: Storage): RelationChecker {
  return {
    check: (principal, relation, object) =>
      storage.read(async ({ relations }) =>
        await relations.has({
          subject: `${principal.kind}:${principal.id}`,
          relation,
          object,
        })
      ),
  };
}
