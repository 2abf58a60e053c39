import { type Random, uuidText } from "../../platform/random.ts";

/** 256 bits. */
const RANDOM_BYTES = 32;

const UUID_BYTES = 16;

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

/** In place of a project: the token is good for every one. */
const ANY_PROJECT = "any";

/**
 * A new bootstrap token in the form of dialect 2.
 *
 * @param projectId UUID of the only project that it is good for.
 * @see docs/wire.md, section h.1
 */
export function newBootstrapToken(
  projectId: string | undefined,
  random: Random,
): string {
  const project = projectId === undefined
    ? ANY_PROJECT
    : base32(Uint8Array.fromHex(projectId.replaceAll("-", "")));
  return `psb_dev_${project}_node_${base32(random.bytes(RANDOM_BYTES))}`;
}

/** What a token of dialect 2 says about itself. */
export interface TokenParts {
  readonly kind: string;
  /** Lower case; undefined where it is good for every project. */
  readonly projectId: string | undefined;
}

/** @param token In the form of dialect 2. */
export function tokenParts(token: string): TokenParts {
  const [, , project = "", kind = ""] = token.split("_");
  const bytes = fromBase32(project);
  return {
    kind,
    projectId: bytes.length === UUID_BYTES ? uuidText(bytes) : undefined,
  };
}

/** Lower case, without padding. @see RFC 4648, section 6 */
function base32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0"));
  return (bits.join("").match(/.{1,5}/g) ?? [])
    .map((group) => ALPHABET[parseInt(group.padEnd(5, "0"), 2)])
    .join("");
}

function fromBase32(text: string): Uint8Array {
  const bits = [...text].map((character) =>
    ALPHABET.indexOf(character).toString(2).padStart(5, "0")
  );
  const bytes = bits.join("").match(/.{8}/g) ?? [];
  return Uint8Array.from(bytes, (byte) => parseInt(byte, 2));
}
