/**
 * What takes two columns of a terminal, near enough: the blocks of East Asian
 * scripts with their punctuation, and emoji. Halfwidth forms take one.
 *
 * @see UAX #11
 */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]/u;
/** What stands on the character before it. */
const NONE = /[\p{Mn}\p{Me}]/u;

/** Columns that a text takes on a terminal. */
export function widthOf(text: string): number {
  let width = 0;
  for (const one of text) width += widthOfOne(one);
  return width;
}

/** Fills up to `width` columns. */
export function padTo(width: number, text: string): string {
  return text + " ".repeat(Math.max(0, width - widthOf(text)));
}

/** As much as fits into `width` columns, with a … for what does not. */
export function cutTo(width: number, text: string): string {
  if (widthOf(text) <= width) return text;
  let kept = "";
  let left = width - 1;
  for (const one of text) {
    left -= widthOfOne(one);
    if (left < 0) break;
    kept += one;
  }
  return `${kept}…`;
}

/**
 * What comes from outside may hold anything; it must not steer the terminal,
 * nor begin a new line.
 */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "\ufffd");
}

function widthOfOne(character: string): number {
  if (character < "\u0300") return 1;
  if (NONE.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}
