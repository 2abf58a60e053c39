import type { Clock } from "../platform/clock.ts";
import type { Operator } from "./operators.ts";
import type { Rows } from "./storage/storage.ts";

/** Notes in the audit log that an operator did something. */
export async function auditAdmin(
  rows: Rows,
  clock: Clock,
  { subject, source }: Operator,
  relation: string,
  object: string,
): Promise<void> {
  await rows.audit.add({
    atMs: clock.now(),
    subject,
    relation,
    object,
    outcome: "done",
    source,
  });
}
