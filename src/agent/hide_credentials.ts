import type { CarrierCredentials } from "../wire/carrier_credentials.ts";

/** Keeps secrets out of what it writes. */
export interface Hiding {
  hide(secret: string): void;
  forget(secret: string): void;
}

/** Generations of credentials that may still be in a line to come. */
const KEPT = 4;

/**
 * Hides carrier credentials wherever secrets are hidden: the last generations of
 * them, since an agent that runs for years has thousands. One for the whole
 * process, or each reload would leave some behind.
 */
export function hideCredentials(
  places: readonly Hiding[],
): (credentials: CarrierCredentials) => void {
  const hidden: (readonly string[])[] = [];
  return ({ user_jwt, user_seed }) => {
    // Those of before a reload are in use after it, too.
    if (hidden.some(([jwt]) => jwt === user_jwt)) return;
    hidden.push([user_jwt, user_seed]);
    const former = hidden.length > KEPT ? hidden.shift() ?? [] : [];
    for (const place of places) {
      place.hide(user_jwt);
      place.hide(user_seed);
      for (const secret of former) place.forget(secret);
    }
  };
}
