import * as z from "zod/mini";
import { dataEntriesFrom, dataEntrySchema, uniqueByKey } from "./data_entry.ts";
import { detached, rawElements, rawMembers } from "./raw_json.ts";
import { servicesFrom, servicesSchema } from "./service_assignment.ts";
import { checkShape, ShapeError } from "./shape_error.ts";
import { signingKeysFrom, signingKeysSchema } from "./signing_keys.ts";
import type { DesiredState, Policy } from "./state.ts";
import {
  metadataFrom,
  metadataSchema,
  readObject,
  scopeFrom,
  scopeMembers,
  secretRefSchema,
} from "./state_members.ts";
import { peerFromWire, wirePeerSchema } from "./wire_peer.ts";

const policySchema = z.object({
  id: z.string().check(z.minLength(1)),
  rules: z.nullish(z.array(z.unknown())),
});

const stateSchema = z.object({
  peers: z.nullish(z.array(wirePeerSchema)),
  policies: z.nullish(z.array(policySchema)),
  signing_keys: z.nullish(signingKeysSchema),
  metadata: z.nullish(metadataSchema),
  data: z.nullish(z.array(dataEntrySchema)),
  secret_refs: z.nullish(z.array(secretRefSchema)),
  services: servicesSchema,
  ...scopeMembers,
});

/** Top-level members of which a dialect-1 state document must show at least one. */
const DIALECT_1_MEMBERS = ["policies", "secret_refs", "data", "signing_keys"];

/**
 * Reads the answer of a state pull in dialect 1.
 *
 * @param text The body as received; payloads are sliced out of it.
 * @throws {ShapeError} when it is no dialect-1 state document. A document
 * without any of that dialect's members is refused: taken as "everything is
 * empty" it would wipe the node.
 * @see docs/wire.md, sections a.5 and h.9
 */
export function parseStateDocument(text: string): DesiredState {
  const { value, members } = readObject("state document", text);
  if (!DIALECT_1_MEMBERS.some((name) => members.has(name))) {
    throw new ShapeError(
      "Invalid state document: it has none of the members of dialect 1",
    );
  }
  const document = checkShape("state document", stateSchema, value);
  return {
    metadata: metadataFrom(members.get("metadata")),
    data: dataEntriesFrom(members.get("data"), document.data ?? []),
    secretRefs: uniqueByKey("secret_refs", document.secret_refs ?? []),
    peers: (document.peers ?? []).map(peerFromWire),
    policies: policiesFrom(members.get("policies")),
    ...(document.services ? { services: servicesFrom(document.services) } : {}),
    ...(document.signing_keys
      ? { signingKeys: signingKeysFrom(document.signing_keys) }
      : {}),
    ...scopeFrom(document),
  };
}

function policiesFrom(raw: string | undefined): Policy[] {
  if (raw === undefined || raw === "null") return [];
  return rawElements(raw).map((text) => {
    const members = new Map(rawMembers(text));
    return {
      id: JSON.parse(members.get("id")!) as string,
      rules: detached(members.get("rules") ?? "null"),
    };
  });
}
