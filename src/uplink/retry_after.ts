import { parseHttpDate } from "./http_date.ts";

/**
 * Reads a `Retry-After` value, in seconds or as any of the three HTTP dates.
 *
 * @returns ms to wait, not bounded above; 0 for a moment that has passed;
 * undefined for anything that is neither form.
 * @see RFC 9110, sections 5.6.7 and 10.2.3
 */
export function parseRetryAfter(
  value: string | null,
  nowMs: number,
): number | undefined {
  const text = value?.trim() ?? "";
  if (/^\d+$/.test(text)) {
    const ms = Number(text) * 1_000;
    return Number.isSafeInteger(ms) ? ms : undefined;
  }
  const at = parseHttpDate(text, nowMs);
  return at === undefined ? undefined : Math.max(0, at - nowMs);
}
