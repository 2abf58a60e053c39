import * as z from "zod/mini";
import { parseShape, ShapeError } from "../wire/shape_error.ts";
import { rawMembers } from "../wire/raw_json.ts";
import { parseRfc3339 } from "../wire/rfc3339.ts";
import type { SigningKeys } from "../wire/signing_keys.ts";

const WHAT = "signing_key_rotated payload";

const nonEmpty = z.string().check(z.minLength(1));

const payloadSchema = z.object({
  key_id: nonEmpty,
  public_key: nonEmpty,
  previous_key_id: z.nullish(z.string()),
  transition_expires: z.nullish(z.string()),
});

/** Go's zero time, which stands for no time at all. */
const ZERO_TIME_MS = Date.parse("0001-01-01T00:00:00Z");

/**
 * Reads the payload of a `signing_key_rotated` event of dialect 2, which names
 * keys and carries only the new one.
 *
 * @throws {ShapeError} for a wrong shape, or a member that stands twice.
 * @see docs/wire.md, section h.8
 */
export function parseSigningKeysPayload2(text: string): SigningKeys {
  const payload = parseShape(WHAT, payloadSchema, text);
  const names = rawMembers(text).map(([name]) => name);
  if (new Set(names).size < names.length) {
    throw new ShapeError(`Invalid ${WHAT}: a member stands twice`);
  }
  const end = payload.transition_expires;
  const hasEnd = end && parseRfc3339(end)?.ms !== ZERO_TIME_MS;
  return {
    current: payload.public_key,
    currentId: payload.key_id,
    ...(payload.previous_key_id ? { previousId: payload.previous_key_id } : {}),
    ...(hasEnd ? { transitionExpires: end } : {}),
  };
}
