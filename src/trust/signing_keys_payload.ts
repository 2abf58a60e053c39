import * as z from "zod/mini";
import { parseDuration } from "../wire/duration.ts";
import { rawMembers } from "../wire/raw_json.ts";
import { parseRfc3339 } from "../wire/rfc3339.ts";
import { parseShape, ShapeError } from "../wire/shape_error.ts";
import {
  type SigningKeys,
  signingKeysFrom,
  signingKeysSchema,
} from "../wire/signing_keys.ts";

/** What a `signing_key_rotated` event carries. */
export interface SigningKeysPayload extends SigningKeys {
  /** Absent from control planes that do not name what the event is for. */
  readonly domainId?: string;
  readonly nodeId?: string;
}

const WHAT = "signing_key_rotated payload";

const scopeSchema = z.object({
  domain_id: z.optional(z.string()),
  node_id: z.optional(z.string()),
});

const aliasSchema = z.object({
  new_signing_public_key: z.string(),
  valid_from: z.nullish(z.string()),
  transition_period: z.nullish(z.string()),
});

/**
 * Reads the payload of a `signing_key_rotated` event, in the shape that the
 * state document uses for keys, or in the one the public README shows:
 * `new_signing_public_key`, `valid_from`, `transition_period` (Go duration
 * text). The latter names no previous key; its transition is that of the key in
 * use until then.
 *
 * Whether the keys are good is for the keyring to say.
 *
 * @throws {ShapeError} when it has neither shape, or a member stands twice.
 * @see docs/wire.md, section b.4
 */
export function parseSigningKeysPayload(text: string): SigningKeysPayload {
  const scope = parseShape(WHAT, scopeSchema, text);
  const names = rawMembers(text).map(([name]) => name);
  if (new Set(names).size < names.length) {
    throw new ShapeError(`Invalid ${WHAT}: a member stands twice`);
  }
  const keys = names.includes("current")
    ? signingKeysFrom(parseShape(WHAT, signingKeysSchema, text))
    : keysFromAlias(text);
  return {
    ...keys,
    ...(scope.domain_id === undefined ? {} : { domainId: scope.domain_id }),
    ...(scope.node_id === undefined ? {} : { nodeId: scope.node_id }),
  };
}

function keysFromAlias(text: string): SigningKeys {
  const alias = parseShape(WHAT, aliasSchema, text);
  const current = alias.new_signing_public_key;
  if (!alias.valid_from || !alias.transition_period) return { current };
  const from = parseRfc3339(alias.valid_from);
  const period = parseDuration(alias.transition_period);
  const end = from && period !== undefined ? from.ms + period : NaN;
  // Beyond this, a date has no RFC 3339 form; no real transition is near it.
  if (!(Math.abs(end) < Date.UTC(9999, 0))) {
    throw new ShapeError(`Invalid ${WHAT}: its transition is no time`);
  }
  return { current, transitionExpires: new Date(end).toISOString() };
}
