import { type Colour, paint, type Screen } from "./screen.ts";
import { cutTo, padTo, plain, widthOf } from "./text_width.ts";

/** A text, or one that says by its colour how it is meant. */
export type Cell = string | { readonly text: string; readonly colour: Colour };

/** Columns narrower than this tell nothing. */
const NARROWEST = 4;
/** The first column names what the line is about: it is cut late. */
const NARROWEST_BEFORE_NAMES = 12;
const GAP = "  ";

/**
 * Lines of cells below a head, each column as wide as its widest cell. On a
 * terminal the widest columns are cut until a line fits; never when piped.
 */
export function table(
  screen: Screen,
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
): string {
  const bold = head.map((text): Cell => ({ text, colour: "bold" }));
  const lines = [bold, ...rows].map((row) => row.map(partsOf));
  const widths = fitting(
    head.map((_, at) =>
      Math.max(...lines.map((row) => widthOf(row[at]?.text ?? "")))
    ),
    screen.columns,
  );
  return lines.map((row) =>
    row.map(({ text, colour }, at) => {
      const cut = cutTo(widths[at]!, text);
      // Nothing to the right of the last one, not even blanks.
      const isLast = row.slice(at + 1).every((other) => other.text === "");
      const padded = isLast ? cut : padTo(widths[at]!, cut);
      return colour ? paint(screen, colour, padded) : padded;
    }).join(GAP).trimEnd()
  ).join("\n");
}

/**
 * Cuts from the widest on: the others stay whole as long as that is enough, and
 * the first one as long as the others have a few characters.
 */
function fitting(
  wanted: readonly number[],
  columns: number | undefined,
): readonly number[] {
  if (columns === undefined) return wanted;
  const room = columns - GAP.length * (wanted.length - 1);
  const widths = [...wanted];
  const sum = () => widths.reduce((all, one) => all + one, 0);
  const cut = (first: number, narrowest: number) => {
    while (sum() > room) {
      const widest = Math.max(...widths.slice(first));
      if (widest <= narrowest) break;
      widths[widths.lastIndexOf(widest)] = widest - 1;
    }
  };
  if (widths.length > 1) cut(1, NARROWEST_BEFORE_NAMES);
  cut(0, NARROWEST);
  return widths;
}

function partsOf(cell: Cell): { text: string; colour?: Colour } {
  return typeof cell === "string"
    ? { text: plain(cell) }
    : { text: plain(cell.text), colour: cell.colour };
}
