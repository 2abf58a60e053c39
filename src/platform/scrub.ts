const REDACTED = "[redacted]";

/** What a credential looks like. Linear, as the text can be anything. */
const CREDENTIALS: readonly RegExp[] = [
  /\b(?:psb|nsk)_[A-Za-z0-9_-]{8,}/g,
  /(?<=\bbearer\s{1,8})[^\s"',;]+/gi,
  /(?<=:\/\/)[^\s/@"]+(?=@)/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*?(?:-----END [A-Z ]*-----|$)/g,
];

/**
 * Text without credentials, before it leaves the node: without all of `known`,
 * and without what looks like one.
 */
export function scrub(text: string, known: readonly string[] = []): string {
  let clean = text;
  for (const secret of known) {
    if (secret !== "") clean = clean.replaceAll(secret, REDACTED);
  }
  for (const form of CREDENTIALS) clean = clean.replace(form, REDACTED);
  return clean;
}
