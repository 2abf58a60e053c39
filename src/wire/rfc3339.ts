/** A moment as RFC 3339 text gives it. */
export interface Rfc3339Time {
  /** Whole ms since the Unix epoch, rounded down. */
  readonly ms: number;
  /** Nanoseconds past `ms`, 0 to 999_999: limits are compared to the last digit. */
  readonly subMs: number;
  /** The text as it stands in signed bytes. */
  readonly canonical: string;
}

/** A comma may stand for the point, as Go reads it. */
const PATTERN =
  /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))$/;

/** Digits of a second that count; more are cut off, never rounded. */
const FRACTION_DIGITS = 9;

/**
 * Reads RFC 3339 text strictly: upper-case `T` and `Z`, an offset, no leap
 * second, only dates that exist.
 *
 * The canonical form comes from the text and not from a date, since a date
 * would lose digits and the offset: the fraction is cut to 9 digits without
 * trailing zeros, a zero offset becomes `Z`, any other offset stays.
 *
 * @returns undefined for anything else.
 * @see docs/wire.md, section b.2, rule T
 */
export function parseRfc3339(text: string): Rfc3339Time | undefined {
  if (text !== last.text) last = { text, time: readTime(text) };
  return last.time;
}

/** An event's time is asked for three times in a row: the answer is kept. */
let last: { readonly text: string; readonly time: Rfc3339Time | undefined } = {
  text: "",
  time: undefined,
};

function readTime(text: string): Rfc3339Time | undefined {
  const match = PATTERN.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second, fraction = ""] = match;
  const offset = offsetMinutes(match[8], match[9], match[10]);
  if (offset === undefined) return undefined;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) {
    return undefined;
  }
  // Date.parse knows four-digit years below 100, which Date.UTC does not. It
  // moves 30 February to March, so the day is compared with what came out.
  const midnight = Date.parse(`${year}-${month}-${day}T00:00:00Z`);
  if (Number.isNaN(midnight)) return undefined;
  if (new Date(midnight).getUTCDate() !== Number(day)) return undefined;

  const nanos = Number(fraction.slice(0, FRACTION_DIGITS).padEnd(9, "0"));
  const seconds = (Number(hour) * 60 + Number(minute) - offset) * 60 +
    Number(second);
  const digits = fraction.slice(0, FRACTION_DIGITS).replace(/0+$/, "");
  return {
    ms: midnight + seconds * 1000 + Math.floor(nanos / 1e6),
    subMs: nanos % 1e6,
    canonical: text.slice(0, 19) + (digits === "" ? "" : `.${digits}`) +
      (offset === 0 ? "Z" : text.slice(-6)),
  };
}

/** Minutes east of UTC; 0 for `Z`. */
function offsetMinutes(sign?: string, hours?: string, minutes?: string) {
  if (sign === undefined) return 0;
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined;
  const offset = Number(hours) * 60 + Number(minutes);
  return sign === "-" ? -offset : offset;
}
