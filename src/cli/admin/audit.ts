import { lineOfJson } from "../indent_json.ts";
import type { Invocation } from "../command.ts";
import { lineForm } from "../output/show.ts";
import { type AuditRow, followAudit } from "./follow_audit.ts";
import { type AdminSession, listIn, withAdmin } from "./session.ts";
import { showList } from "./show_answer.ts";

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
      FROM: "source",
    }, "nothing was done yet");
  });
}

/** A line for each row, until it is told to stop, or nobody reads the next. */
async function follow({ invocation, text }: AdminSession): Promise<void> {
  const { stop, print, complain } = invocation;
  const asJson = lineForm(invocation, "--follow") === "json";
  try {
    await followAudit({
      rows: async (after) => {
        const query = after === undefined ? "" : `?after=${after}`;
        return listIn<AuditRow>(await text("GET", `/audit${query}`), "audit");
      },
      tell: (row) => print(asJson ? lineOfJson(row) : lineOf(row)),
      note: (said) => complain(`plexd: ${said}`),
      io: invocation.platform(),
      stop,
    });
  } catch (error) {
    if (!stop.aborted) throw error;
  }
}

function lineOf(row: AuditRow): string {
  const { at, subject, relation, object, outcome, source } = row;
  const columns = [at, subject, relation, object, outcome, source ?? "-"];
  return lineOfJson(columns.join("  ")).slice(1, -1);
}
