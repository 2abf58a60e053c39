import { systemClock } from "../../platform/clock.ts";
import { lineOfJson } from "../indent_json.ts";
import type { Invocation } from "../command.ts";
import { lineForm } from "../output/show.ts";
import { type AdminSession, withAdmin } from "./session.ts";
import { showList } from "./show_answer.ts";

/** Rows of before, as `tail -f` does it. */
const SHOWN_FIRST = 10;

/** Between two looks. */
const LOOK_EVERY_MS = 1_000;

interface AuditRow {
  readonly id: number;
  readonly at: string;
  readonly subject: string;
  readonly relation: string;
  readonly object: string;
  readonly outcome: string;
}

/** `plexd admin audit`: who did what; with `--follow` as it happens. */
export function audit(invocation: Invocation): Promise<number> {
  return withAdmin(invocation, async (session) => {
    if (invocation.flags["--follow"]) return await follow(session);
    await showList(session, await session.text("GET", "/audit"), "audit", {
      AT: "at",
      SUBJECT: "subject",
      RELATION: "relation",
      OBJECT: "object",
      OUTCOME: "outcome",
    }, "nothing was done yet");
  });
}

/** A line for each row, until it is told to stop, or nobody reads the next. */
async function follow({ invocation, text }: AdminSession): Promise<void> {
  const { stop, print } = invocation;
  const asJson = lineForm(invocation, "--follow") === "json";
  const rowsOf = async (query: string): Promise<AuditRow[]> =>
    JSON.parse(await text("GET", `/audit${query}`)).audit;
  try {
    let rows = (await rowsOf("")).slice(0, SHOWN_FIRST).reverse();
    let last = 0;
    for (;;) {
      for (const row of rows) {
        last = row.id;
        if (!print(asJson ? lineOfJson(row) : lineOf(row))) return;
      }
      await systemClock.sleep(LOOK_EVERY_MS, stop);
      rows = await rowsOf(`?after=${last}`);
    }
  } catch (error) {
    if (!stop.aborted) throw error;
  }
}

function lineOf({ at, subject, relation, object, outcome }: AuditRow): string {
  return lineOfJson([at, subject, relation, object, outcome].join("  "))
    .slice(1, -1);
}
