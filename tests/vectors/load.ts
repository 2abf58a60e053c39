import json from "./vectors.json" with { type: "json" };

/**
 * Fixed bytes made independently of this code: canonical forms, signatures,
 * ciphertexts, streams. Groups are described in docs/wire.md.
 */
export const vectors = json;

/** The moment that every time-dependent vector assumes. */
export const VECTORS_NOW_MS: number = Date.parse(json.clock_now);

/** SHA-256 of vectors.json as it was handed over; nobody edits that file. */
export const VECTORS_SHA256 =
  "530aeed6fa74242ffcf85938b262f4704e8dd967976fc1354122f560e64ad6db";
