import type { StateParts } from "../store/state_view.ts";
import type { DataEntry } from "../wire/data_entry.ts";
import type { DesiredState } from "../wire/state.ts";

/**
 * Numbers the entries of a control plane that does not: an entry keeps its
 * version while it is the same, and gets the next one when it changes. One that
 * is removed and comes back starts at 1.
 *
 * @param now RFC 3339 text, for entries that are new.
 * @see docs/wire.md, section h.4
 */
export function withLocalVersions(
  desired: DesiredState,
  latest: Pick<StateParts, "data">,
  now: string,
): DesiredState {
  if (!desired.unversioned) return desired;
  const number = (entry: DataEntry): DataEntry => {
    const known = latest.data.get(entry.key);
    const isSame = known?.payload === entry.payload &&
      known.contentType === entry.contentType;
    if (isSame) return known;
    return { ...entry, version: (known?.version ?? 0) + 1, updatedAt: now };
  };
  return { ...desired, data: desired.data.map(number) };
}
