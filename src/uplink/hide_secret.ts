/** Length of `\u0000`. */
const LONGEST_FORM = 6;

/**
 * Puts `[redacted]` in the place of a secret, also where JSON or a URL writes
 * some of its characters in another way.
 *
 * @param cut Whether `text` went on: then the beginning of a secret at its end
 * is left out, too.
 */
export function hideSecret(
  secret: string,
  text: string,
  cut: boolean,
): string {
  const forms = [...secret].map(formsOf);
  const starts = new Set([secret[0], "\\", "%"]);
  let shown = "";
  let from = 0;
  for (let at = 0; at < text.length;) {
    const end = starts.has(text[at]) ? endOf(forms, text, at) : undefined;
    if (end === "beyond" && cut) return shown + text.slice(from, at);
    if (typeof end === "number") {
      shown += `${text.slice(from, at)}[redacted]`;
      at = from = end;
    } else {
      at++;
    }
  }
  return shown + text.slice(from);
}

/** How a character may stand in what quotes it: plain, in JSON, in a URL. */
function formsOf(char: string): readonly string[] {
  const hex = char.charCodeAt(0).toString(16).padStart(2, "0");
  const codes = [hex, hex.toUpperCase()];
  return [
    char,
    `\\${char}`,
    ...codes.flatMap((code) => [`\\u00${code}`, `%${code}`]),
  ];
}

/**
 * Where what stands at `at` ends, if it is the secret; "beyond" when the text
 * ends within it.
 */
function endOf(
  forms: readonly (readonly string[])[],
  text: string,
  at: number,
): number | "beyond" | undefined {
  for (const ofChar of forms) {
    if (at === text.length) return "beyond";
    const form = ofChar.find((form) => text.startsWith(form, at));
    if (form === undefined) {
      const rest = text.slice(at, at + LONGEST_FORM);
      const isStart = at + rest.length === text.length &&
        ofChar.some((form) => form.startsWith(rest));
      return isStart ? "beyond" : undefined;
    }
    at += form.length;
  }
  return at;
}
