import { parseExecutionName } from "../../src/store/execution_file.ts";
import type { Disk } from "../../src/store/disk.ts";
import type { Membership } from "../../src/store/membership.ts";

/** What a reader of a store sees, part by part, each as one text. */
export type Seen = ReadonlyMap<string, string>;

/** A part that is not there, or was refused with this typed error. */
export const NONE = "none";

/**
 * Reads everything that a store serves. A part that refuses to be read shows
 * the name of its error.
 */
export async function observe(store: Membership, disk: Disk): Promise<Seen> {
  const seen = new Map<string, string>();
  const note = async (part: string, read: () => unknown) => {
    try {
      const value = await read();
      seen.set(part, value === undefined ? NONE : asText(value));
    } catch (error) {
      seen.set(part, `refused: ${nameOf(error)}`);
    }
  };
  await note("identity", () => store.identity.load());
  await note("pending key pair", () => store.identity.loadPending());
  await note("rotation", async () => {
    await store.keyRotation.pending();
    return store.keyRotation.record;
  });
  await note("spent tokens", () => store.spentTokens.has("token"));
  await note("trusted keys", () => store.trust.load());
  await note("trust bundle", () => store.trustBundle.load());
  await note("marks", () => store.marks.load());
  await note("snapshot", async () => {
    const active = await store.snapshots.load();
    return active && [active.ref, active.snapshot];
  });
  // The count of a process's own commits begins anew with each process.
  await note("state", () => ({ ...store.state.view, revision: undefined }));
  const { reports, syncLedger } = store;
  for (const [key, entry] of reports.view.entries) {
    await note(`report ${key}`, () => entry);
  }
  await note("unsynced", () => syncLedger.pending(reports.view.entries));
  await note("cursor", () => store.events.cursor);
  await note("events", () => [
    store.events.lastIssuedMs("node_state_updated"),
    [...store.events.nonces()],
  ]);
  const { root } = store.paths;
  const names = disk.list(`${root}/executions`).map(({ name }) => name);
  for (const name of names) {
    const id = parseExecutionName(name)?.idPart ?? name;
    await note(`execution ${id}`, () => store.executions.has(id));
  }
  await note("running", () => inOrder(store.executions.running));
  await note(
    "unreported",
    () =>
      inOrder(store.executions.unreported).map(({ executionId }) => [
        executionId,
        store.executions.result(executionId),
      ]),
  );
  await note("health", () => store.health.record);
  await note("sessions", () => store.sessions.sessions);
  return seen;
}

function asText(value: unknown): string {
  return JSON.stringify(value, (_, inner) => {
    if (inner instanceof Map) return [...inner];
    if (inner instanceof Uint8Array) return inner.toHex();
    if (isRecord(inner)) return sortedByName(inner);
    return inner;
  });
}

/** Time stands still here, and those of one moment have no order. */
export function inOrder<Item extends { readonly executionId: string }>(
  items: readonly Item[],
): Item[] {
  return items.toSorted((a, b) => a.executionId < b.executionId ? -1 : 1);
}

/** In which order an object got its members says nothing. */
function sortedByName(record: object): object {
  return Object.fromEntries(
    Object.entries(record).sort(([a], [b]) => a < b ? -1 : 1),
  );
}

function isRecord(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
