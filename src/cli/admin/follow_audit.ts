import type { Platform } from "../../platform/platform.ts";
import { backoffMs } from "../../uplink/backoff.ts";
import { AdminFailure } from "./session.ts";

/** One row of the audit log; the log numbers them, and they come in order. */
export interface AuditRow {
  readonly id: number;
  readonly at: string;
  readonly subject: string;
  readonly relation: string;
  readonly object: string;
  readonly outcome: string;
  /** Address of the caller; absent where the control plane does not say. */
  readonly source?: string | null;
}

/** Rows of before, as `tail -f` does it. */
const SHOWN_FIRST = 10;

/** Between two looks. */
const LOOK_EVERY_MS = 1_000;

/** Whoever follows wants to see soon that the control plane is back. */
const BACKOFF_CAP_MS = 15_000;

/** Options for {@linkcode followAudit}. */
export interface FollowAuditOptions {
  /** Oldest first after a row, newest first without one. */
  readonly rows: (after?: number) => Promise<readonly AuditRow[]>;
  /** @returns whether somebody reads on. */
  readonly tell: (row: AuditRow) => boolean;
  /** Says something beside the rows. */
  readonly note: (text: string) => void;
  readonly io: Pick<Platform, "clock" | "random">;
  readonly stop: AbortSignal;
}

/**
 * Tells the last rows and each that comes, once, until nobody reads them. A
 * control plane that goes away after the first look is waited for.
 *
 * @throws {AdminFailure} when the first look fails, or one is refused for good.
 * @throws the reason of `stop` once that aborts.
 */
export async function followAudit(
  { rows, tell, note, io: { clock, random }, stop }: FollowAuditOptions,
): Promise<void> {
  const newest = async () => (await rows()).slice(0, SHOWN_FIRST).toReversed();
  let last = 0;
  let failures = 0;
  let next: readonly AuditRow[] = await newest();
  for (;;) {
    for (const row of next) {
      last = row.id;
      if (!tell(row)) return;
    }
    const wait = failures === 0 ? LOOK_EVERY_MS : backoffMs(
      failures - 1,
      () => random.unit(),
      { maxMs: BACKOFF_CAP_MS },
    );
    await clock.sleep(wait, stop);
    try {
      next = await rows(last);
      if (failures === 0) continue;
      failures = 0;
      note("the control plane is back");
      const known = await newest();
      if ((known.at(-1)?.id ?? 0) >= last) continue;
      note("its audit log goes back behind what was shown: a restored one?");
      next = known;
      last = 0;
    } catch (error) {
      if (!(error instanceof AdminFailure && error.passes)) throw error;
      next = [];
      if (failures++ === 0) note(`${error.message}; waiting until it is back`);
    }
  }
}
