/**
 * Manual pages in the macros of man(7), which every formatter knows. What comes
 * in is plain text; nothing of it is taken for a command.
 */

/** Plain text inside a line. */
export function text(plain: string): string {
  const escaped = plain.replaceAll("\\", "\\e").replaceAll("-", "\\-");
  // At the beginning of a line these two begin a command.
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}

/** Text as it is typed. */
export function bold(plain: string): string {
  return `\\fB${text(plain)}\\fR`;
}

/** A word that stands for another. */
export function italic(plain: string): string {
  return `\\fI${text(plain)}\\fR`;
}

/** What stands in the head and foot of a page. */
export interface PageHead {
  readonly name: string;
  readonly section: number;
  /** Of plexd. */
  readonly version: string;
  /** Day of the release, as YYYY-MM-DD. @default {""} */
  readonly date?: string;
  readonly summary: string;
}

/** A page from its head and the lines below. */
export function page(head: PageHead, lines: readonly string[]): string {
  const { name, section, version, date = "", summary } = head;
  return [
    `.TH ${name.toUpperCase()} ${section} "${date}" "plexd ${version}"`,
    // Names of settings are neither cut nor pulled apart.
    ".nh",
    ".ad l",
    ".SH NAME",
    `${text(name)} \\- ${text(summary)}`,
    ...lines,
    "",
  ].join("\n");
}

/** A tagged paragraph. */
export function tagged(tag: string, ...lines: readonly string[]): string[] {
  return [".TP", tag, ...lines];
}

/** Lines that stay as they are. */
export function verbatim(lines: readonly string[]): string[] {
  return [".EX", ...lines.map(text), ".EE"];
}
