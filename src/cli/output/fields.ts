import { type Colour, paint, type Screen } from "./screen.ts";
import { plain, widthOf } from "./text_width.ts";

/** A name and what is to be said of it; no name goes on from the row before. */
export interface Field {
  readonly name: string;
  readonly text: string;
  readonly colour?: Colour;
}

/** Columns of names, with the blank after them. */
const NAME_COLUMNS = 15;
/** On narrower terminals words are left to wrap as they may. */
const NARROWEST = 40;

/**
 * Rows of names and texts. On a terminal a long text goes on below itself;
 * when piped, each row is one line.
 */
export function fields(screen: Screen, rows: readonly Field[]): string {
  return rows.flatMap(({ name, text, colour }) => {
    // What others said is quoted here; that must not steer the terminal.
    const lines = wrapped(plain(text), screen.columns);
    return lines.map((line, at) => {
      const head = (at === 0 ? name : "").padEnd(NAME_COLUMNS);
      return (head + (colour ? paint(screen, colour, line) : line)).trimEnd();
    });
  }).join("\n");
}

function wrapped(text: string, columns: number | undefined): string[] {
  if (columns === undefined || columns < NARROWEST) return [text];
  const room = columns - NAME_COLUMNS;
  const indent = /^ */.exec(text)![0];
  const lines: string[] = [];
  let line = indent;
  for (const word of text.trimStart().split(" ")) {
    const isFirst = line.trim() === "";
    const longer = isFirst ? line + word : `${line} ${word}`;
    if (isFirst || widthOf(longer) <= room) {
      line = longer;
      continue;
    }
    lines.push(line);
    line = indent + word;
  }
  return [...lines, line];
}
