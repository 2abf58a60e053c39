import { createHash } from "node:crypto";

/** More rounds than any chain of pieces is long that differs only at its end. */
const ROUNDS = 8;

/** A piece under the name that it keeps. */
export interface NamedPiece {
  readonly name: string;
  readonly text: string;
}

/**
 * Names the pieces of a bundle by what they hold. The bundler's own names come
 * from hashes that the place of the build is part of.
 *
 * A name stands in the pieces that load it, so its own piece's name depends on
 * it, in turn: hashes are refined round by round until all of that is in them.
 *
 * @param pieces Texts by file name, such as `chunk-2RBGMEKU.js`.
 * @returns by the names so far: new names, and texts that go by them.
 */
export function stableNames(
  pieces: ReadonlyMap<string, string>,
): Map<string, NamedPiece> {
  const names = [...pieces.keys()];
  const pattern = new RegExp(names.map(RegExp.escape).join("|"), "g");
  const renamed = (text: string, labels: ReadonlyMap<string, string>) =>
    text.replace(pattern, (name) => labels.get(name)!);
  let labels = new Map(names.map((name) => [name, stem(name)]));
  for (let round = 0; round < ROUNDS; round++) {
    const next = new Map<string, string>();
    for (const [name, text] of pieces) {
      next.set(name, labelOf(name, renamed(text, labels)));
    }
    labels = next;
  }
  return new Map(
    [...pieces].map(([name, text]) => [
      name,
      { name: labels.get(name)!, text: renamed(text, labels) },
    ]),
  );
}

function labelOf(name: string, text: string): string {
  const base = stem(name);
  // The one that the program starts with keeps its name.
  if (base === name) return name;
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 16);
  return `${base}-${hash}.js`;
}

/** A name without its hash; the same name when it has none. */
function stem(name: string): string {
  return name.replace(/-[0-9A-Z]{8}\.js$/, "");
}
