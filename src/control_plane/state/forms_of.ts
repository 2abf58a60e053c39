import { signedContent2, snapshot2 } from "../dialect2/snapshot.ts";
import type { Services } from "../services.ts";
import { renderDocument, stateDocument } from "../state_document.ts";
import type { Dialect } from "../../wire/dialect.ts";
import type { StateForms } from "./snapshot_provider.ts";

/** The forms of a node's state in a dialect. */
export function formsOf(
  dialect: Dialect,
  { epoch, io }: Pick<Services, "epoch" | "io">,
): StateForms {
  const { clock, log } = io;
  if (dialect === 2) {
    return {
      plain: (rows, node) => snapshot2(rows, node, clock.now(), log),
      content: (rows, node) => signedContent2(rows, node, clock.now(), log),
    };
  }
  // This dialect's document has no reachability: both forms are one.
  return {
    plain: (rows, node) => renderDocument(rows, node, epoch, clock.now(), log),
    content: (rows, node) => stateDocument(rows, node, epoch, clock.now(), log),
  };
}
