import { createHash } from "node:crypto";

/** Longest plain name, in bytes: the suffix must still fit into 255. */
const LONGEST_NAME = 200;

/** How much of a long name stays readable in front of its hash. */
const PREFIX_LENGTH = 100;

/**
 * The name, without suffix, of the file that holds `key`.
 *
 * Different keys have different names, and no name leads out of its folder:
 * slashes and a leading dot never stand in one. `~` is always encoded in plain
 * names, so it tells the hashed ones apart.
 *
 * @see design, section 3 "On a node"
 */
export function fileNameOf(key: string): string {
  // Halves of a surrogate pair have no UTF-8 form: they would all look alike.
  if (key === "" || !key.isWellFormed()) return "~" + hashOf(key, "utf16le");
  const name = encodeURIComponent(key)
    .replace(/[!~*'()]/g, (found) => percent(found))
    .replace(/^\./, percent("."));
  if (name.length <= LONGEST_NAME) return name;
  return `${name.slice(0, PREFIX_LENGTH)}~${hashOf(key, "utf8")}`;
}

function percent(character: string): string {
  const hex = character.charCodeAt(0).toString(16).toUpperCase();
  return `%${hex.padStart(2, "0")}`;
}

function hashOf(key: string, encoding: "utf8" | "utf16le"): string {
  return createHash("sha256").update(key, encoding).digest("hex");
}
