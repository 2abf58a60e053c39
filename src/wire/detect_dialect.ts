import type { Dialect } from "./dialect.ts";

/**
 * The dialect of a registration's answer.
 *
 * @returns undefined when it could be neither, or both.
 * @see docs/wire.md, section h.9
 */
export function dialectOfRegistration(document: unknown): Dialect | undefined {
  const has = membersOf(document);
  return either(has("node_secret_key"), has("nsk"));
}

/** The dialect of a state document; all of dialect 2's members must be there. */
export function dialectOfState(document: unknown): Dialect | undefined {
  const has = membersOf(document);
  return either(
    ["policies", "secret_refs", "data", "signing_keys"].some(has),
    ["policy", "state", "reports", "reachability"].every(has),
  );
}

/** The dialect of an envelope, decoded. */
export function dialectOfEnvelope(document: unknown): Dialect | undefined {
  const has = membersOf(document);
  return either(has("event_type"), has("type") && has("key_id"));
}

function either(one: boolean, two: boolean): Dialect | undefined {
  if (one === two) return undefined;
  return one ? 1 : 2;
}

function membersOf(document: unknown): (name: string) => boolean {
  const isObject = typeof document === "object" && document !== null &&
    !Array.isArray(document);
  return (name) => isObject && Object.hasOwn(document, name);
}
