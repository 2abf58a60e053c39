/** Length of `\u0000`, and of `&#x00;`. */
const LONGEST_FORM = 6;

/** Pages write these by name. */
const HTML_NAMES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

/**
 * Puts `[redacted]` in the place of a secret, also where JSON, a URL or a web
 * page writes some of its characters in another way.
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
  const starts = new Set([secret[0], "\\", "%", "&"]);
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

/** How a character may stand in what quotes it: plain, in JSON, URL or page. */
function formsOf(char: string): readonly string[] {
  const code = char.charCodeAt(0);
  const hex = code.toString(16).padStart(2, "0");
  const hexes = [hex, hex.toUpperCase()];
  const name = HTML_NAMES[char];
  return [
    char,
    `\\${char}`,
    `&#${code};`,
    ...(name ? [name] : []),
    ...hexes.flatMap((hex) => [`\\u00${hex}`, `%${hex}`, `&#x${hex};`]),
  ];
}

/**
 * Where what stands at `at` ends, if it is the secret; "beyond" when the text
 * ends within it.
 *
 * A secret may hold what its other forms are made of, such as a percent sign.
 * So each way to read the text is followed.
 */
function endOf(
  forms: readonly (readonly string[])[],
  text: string,
  at: number,
): number | "beyond" | undefined {
  let ends = new Set([at]);
  let isStart = false;
  for (const ofChar of forms) {
    const next = new Set<number>();
    for (const from of ends) {
      const rest = text.slice(from, from + LONGEST_FORM);
      for (const form of ofChar) {
        if (rest.startsWith(form)) next.add(from + form.length);
        else if (form.startsWith(rest)) isStart = true;
      }
    }
    if (next.size === 0) return isStart ? "beyond" : undefined;
    ends = next;
  }
  return Math.max(...ends);
}
