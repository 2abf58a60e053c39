/**
 * Edits of a store's files by somebody who can write them and knows their form,
 * but not the key that seals: sums are made right again.
 */
import { PART_FILES, type PartName } from "../../src/store/state_files.ts";
import { SUMS_FILE } from "../../src/store/state_sums.ts";
import { sha256, withSum } from "../../src/store/summed_json.ts";

// deno-lint-ignore no-explicit-any
type Json = any;

/** Changes a file that holds its own sum. */
export function forgeSummed(
  root: string,
  file: string,
  edit: (content: Json) => Json,
): void {
  const path = `${root}/${file}`;
  const { _sum, ...content } = JSON.parse(Deno.readTextFileSync(path));
  Deno.writeFileSync(path, withSum(JSON.stringify(edit(content))).bytes);
}

/** Puts a file that holds its own sum where there was none, or another. */
export function plantSummed(root: string, file: string, content: Json): void {
  Deno.writeFileSync(
    `${root}/${file}`,
    withSum(JSON.stringify(content)).bytes,
  );
}

/** Changes a part of the state, and the sums that are kept beside it. */
export function forgePart(
  root: string,
  part: PartName,
  edit: (content: Json) => Json,
): void {
  const path = `${root}/${PART_FILES[part]}`;
  const text = JSON.stringify(edit(JSON.parse(Deno.readTextFileSync(path))));
  Deno.writeTextFileSync(path, text);
  forgeSummed(root, SUMS_FILE, (sums) => ({
    ...sums,
    parts: { ...sums.parts, [part]: sha256(text) },
    redo: [],
  }));
}
