import type { Dialect } from "./dialect.ts";
import { parseSnapshot2 } from "./dialect2/parse_snapshot2.ts";
import type { DesiredState } from "./state.ts";
import { parseStateDocument } from "./state_document.ts";

/** Reads the content of a signed snapshot, in a dialect. */
export function contentParser(
  dialect: Dialect,
): (content: string) => DesiredState {
  return dialect === 1
    ? parseStateDocument
    : (content) => parseSnapshot2(content, { isSigned: true });
}
