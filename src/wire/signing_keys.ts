import * as z from "zod/mini";

/** Signing keys as the control plane announces them, base64 of 32 bytes each. */
export interface SigningKeys {
  readonly current: string;
  readonly previous?: string;
  /** RFC 3339 text. */
  readonly transitionExpires?: string;
  /** Names of the keys; dialect 2 only, which names the previous key by it. */
  readonly currentId?: string;
  readonly previousId?: string;
}

export const signingKeysSchema = z.object({
  current: z.string(),
  previous: z.nullish(z.string()),
  transition_expires: z.nullish(z.string()),
});

/** Announced keys from their wire form; null means absent. */
export function signingKeysFrom(
  keys: z.infer<typeof signingKeysSchema>,
): SigningKeys {
  return {
    current: keys.current,
    ...(keys.previous ? { previous: keys.previous } : {}),
    ...(keys.transition_expires
      ? { transitionExpires: keys.transition_expires }
      : {}),
  };
}
