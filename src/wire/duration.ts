const UNIT_MS: Readonly<Record<string, number>> = {
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
};

/** Longer texts are no durations, and summing them would cost time. */
const MAX_LENGTH = 64;

/**
 * Reads a duration such as `90s`, `1h30m`, `2.5s` or `250ms`: Go's duration text
 * without signs and units below a millisecond, and with days.
 *
 * @returns ms; undefined for anything else, and for more than can be counted.
 */
export function parseDuration(text: string): number | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  if (!/^(?:\d+(?:\.\d+)?(?:ms|[dhms]))+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, amount, unit] of text.matchAll(/([\d.]+)(ms|[dhms])/g)) {
    sum += Number(amount) * UNIT_MS[unit!]!;
  }
  return sum <= Number.MAX_SAFE_INTEGER ? sum : undefined;
}

/** A duration as Go writes it, such as `1h2m3.5s`. @see docs/wire.md, section a.1 */
export function formatDuration(ms: number): string {
  const whole = Math.max(0, Math.round(ms));
  if (whole > 0 && whole < 1000) return `${whole}ms`;
  const hours = Math.floor(whole / 3_600_000);
  const minutes = Math.floor(whole / 60_000) % 60;
  const rest = (whole % 60_000) / 1000;
  if (hours > 0) return `${hours}h${minutes}m${rest}s`;
  return minutes > 0 ? `${minutes}m${rest}s` : `${rest}s`;
}
