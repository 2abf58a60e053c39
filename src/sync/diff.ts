import type { StateView } from "../store/state_view.ts";
import type { Correction } from "../wire/bodies.ts";
import type { SigningKeys } from "../wire/signing_keys.ts";
import type { DesiredState, Peer } from "../wire/state.ts";

/** What the node has, as far as a pull can change it. */
export type PresentState =
  & Pick<
    StateView,
    "metadata" | "data" | "secretRefs" | "peers" | "policies"
  >
  & { readonly signingKeys?: SigningKeys };

/**
 * What has to change for the node to be as desired, in the order in which it
 * is reported. Order of entries and of allowed addresses does not matter;
 * unlike the public agent, this one sees changed rules, payloads and times.
 *
 * @see docs/wire.md, sections e.3 and e.4
 */
export function diffState(
  present: PresentState,
  desired: DesiredState,
): Correction[] {
  const peers = compare(present.peers, desired.peers, "id", samePeer);
  const policies = compare(
    present.policies,
    desired.policies,
    "id",
    (a, b) => a.rules === b.rules,
  );
  const data = compare(
    [...present.data.values()],
    desired.data,
    "key",
    (a, b) =>
      a.version === b.version && a.payload === b.payload &&
      a.contentType === b.contentType && a.updatedAt === b.updatedAt,
  );
  const refs = compare(
    present.secretRefs,
    desired.secretRefs,
    "key",
    (a, b) => a.version === b.version,
  );
  const corrections: Correction[] = [
    ...listed("peer", peers),
    ...listed("policy", policies),
  ];
  const note = (differs: boolean, type: Correction["type"], detail: string) => {
    if (differs) corrections.push({ type, detail });
  };
  note(
    !sameKeys(present.signingKeys, desired.signingKeys),
    "signing_keys_updated",
    "signing keys rotated",
  );
  note(
    !sameTexts(present.metadata, desired.metadata),
    "metadata_updated",
    "metadata updated",
  );
  note(isDifferent(data), "data_updated", "data updated");
  note(isDifferent(refs), "secret_refs_updated", "secret refs updated");
  return corrections;
}

/** Names of what is only desired, only present, or not the same in both. */
interface Difference {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly updated: readonly string[];
}

function compare<
  Name extends string,
  Item extends Readonly<Record<Name, string>>,
>(
  present: readonly Item[],
  desired: readonly Item[],
  name: Name,
  same: (a: Item, b: Item) => boolean,
): Difference {
  const before = new Map(present.map((item) => [item[name], item]));
  const after = new Map(desired.map((item) => [item[name], item]));
  const kept = [...after].filter(([key]) => before.has(key));
  return {
    added: [...after.keys()].filter((key) => !before.has(key)),
    removed: [...before.keys()].filter((key) => !after.has(key)),
    updated: kept.filter(([key, item]) => !same(before.get(key)!, item))
      .map(([key]) => key),
  };
}

function isDifferent({ added, removed, updated }: Difference): boolean {
  return added.length + removed.length + updated.length > 0;
}

function listed(what: "peer" | "policy", difference: Difference): Correction[] {
  const { added, removed, updated } = difference;
  return [
    ...added.map((id): Correction => ({
      type: `${what}_added`,
      detail: `${what} ${id}`,
    })),
    ...removed.map((id): Correction => ({
      type: `${what}_removed`,
      detail: `${what} ${id}`,
    })),
    ...updated.map((id): Correction => ({
      type: `${what}_updated`,
      detail: `${what} ${id}`,
    })),
  ];
}

function samePeer(a: Peer, b: Peer): boolean {
  return a.publicKey === b.publicKey && a.meshIp === b.meshIp &&
    a.endpoint === b.endpoint &&
    JSON.stringify(a.allowedIps.toSorted()) ===
      JSON.stringify(b.allowedIps.toSorted());
}

function sameTexts(
  a: ReadonlyMap<string, string>,
  b: ReadonlyMap<string, string>,
): boolean {
  return a.size === b.size &&
    [...a].every(([key, value]) => b.get(key) === value);
}

function sameKeys(
  a: SigningKeys | undefined,
  b: SigningKeys | undefined,
): boolean {
  return a?.current === b?.current && a?.previous === b?.previous &&
    sameTime(a?.transitionExpires, b?.transitionExpires);
}

/** One moment has several texts. */
function sameTime(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a === b || Date.parse(a) === Date.parse(b);
}
