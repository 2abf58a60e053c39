import { isoTime } from "../platform/clock.ts";
import type { StoredMembership } from "../store/read_membership.ts";
import { CommandError, EXIT, type Invocation } from "./command.ts";
import { outputForm, show } from "./output/show.ts";
import { table } from "./output/table.ts";
import { storedMembership } from "./stored_membership.ts";

/** One of the lists that are read from the store. */
export interface Listing {
  /** Its name in `--output json`. */
  readonly name: string;
  /** JSON text of an array. */
  readonly json: string;
  /** When it was written last, ms since the Unix epoch. */
  readonly changedMs: number | undefined;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Said, beside the empty list, when there is nothing. */
  readonly none: string;
}

/**
 * Shows a list out of the store: what workloads must not see is read by its
 * owner or by root.
 *
 * @throws {CommandError}
 */
export async function showStored(
  invocation: Invocation,
  listing: (stored: StoredMembership) => Listing,
): Promise<number> {
  const config = await invocation.config();
  const stored = storedMembership(config);
  if (!stored?.identity) {
    throw new CommandError(
      EXIT.notEnrolled,
      `there is no enrolled node in ${config.data_dir}`,
      'name another folder with --data-dir, or start with "plexd join"',
    );
  }
  for (const { file, what } of stored.faults) {
    invocation.complain(`plexd: left out ${file}: ${what}`);
  }
  if (!stored.state.complete) {
    invocation.complain(
      "plexd: the state is not complete; the next pull is due",
    );
  }
  const { name, json, changedMs, head, rows, none } = listing(stored);
  const changedAt = changedMs === undefined ? null : isoTime(changedMs);
  if (outputForm(invocation) === "table") {
    if (changedAt) invocation.complain(`plexd: last changed ${changedAt}`);
    if (rows.length === 0) invocation.complain(`plexd: ${none}`);
  }
  await show(invocation, {
    json: `{"changed_at":${JSON.stringify(changedAt)},"${name}":${json}}`,
    table: (screen) => rows.length === 0 ? "" : table(screen, head, rows),
  });
  return EXIT.fine;
}
