import { fields } from "../output/fields.ts";
import { show } from "../output/show.ts";
import { table } from "../output/table.ts";
import { type AdminSession, listIn, objectIn } from "./session.ts";

/** Columns of a list: heads, and the members that fill them. */
export type Columns = Readonly<Record<string, string>>;

/** Shows a list that stands in one member of an answer. */
export async function showList(
  { invocation }: AdminSession,
  answer: string,
  member: string,
  columns: Columns,
  none: string,
): Promise<void> {
  const rows = listIn<Record<string, unknown>>(answer, member);
  await show(invocation, {
    json: answer,
    table: (screen) =>
      rows.length === 0 ? none : table(
        screen,
        Object.keys(columns),
        rows.map((row) =>
          Object.values(columns).map((name) => cellOf(row[name]))
        ),
      ),
  });
}

/** Shows one thing, a line for each member. */
export async function showOne(
  { invocation }: AdminSession,
  answer: string,
): Promise<void> {
  const members = objectIn(answer);
  await show(invocation, {
    json: answer,
    table: (screen) =>
      fields(
        screen,
        Object.entries(members).map(([name, value]) => ({
          // A name as long as its column would run into the text.
          name: name.length < 15 ? name : `${name} `,
          text: cellOf(value),
        })),
      ),
  });
}

function cellOf(value: unknown): string {
  if (value === null || value === undefined || value === "") return "-";
  if (typeof value === "string") return value;
  return JSON.stringify(value);
}
