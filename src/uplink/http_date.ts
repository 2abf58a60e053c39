const MONTHS = [
  "Jan",
  "Feb",
  "Mar",
  "Apr",
  "May",
  "Jun",
  "Jul",
  "Aug",
  "Sep",
  "Oct",
  "Nov",
  "Dec",
];

/** The preferred form and the two obsolete ones, which must still be read. */
const FORMS = [
  /^[A-Z][a-z]{2}, (?<day>\d\d) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) (?<time>\d\d:\d\d:\d\d) GMT$/,
  /^[A-Z][a-z]{5,8}, (?<day>\d\d)-(?<month>[A-Z][a-z]{2})-(?<year>\d\d) (?<time>\d\d:\d\d:\d\d) GMT$/,
  /^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) (?<time>\d\d:\d\d:\d\d) (?<year>\d{4})$/,
];

/**
 * Reads any of the three HTTP dates.
 *
 * @param nowMs Settles the century of a year of two digits.
 * @returns ms since the Unix epoch; undefined for any other text.
 * @see RFC 9110, section 5.6.7
 */
export function parseHttpDate(
  text: string,
  nowMs: number,
): number | undefined {
  for (const form of FORMS) {
    const found = form.exec(text)?.groups;
    if (!found) continue;
    const month = MONTHS.indexOf(found["month"] ?? "");
    const [hour, minute, second] = (found["time"] ?? "").split(":").map(Number);
    const day = Number(found["day"]);
    const year = fullYear(found["year"] ?? "", nowMs);
    const valid = month >= 0 && day >= 1 && day <= 31 && hour! <= 23 &&
      minute! <= 59 && second! <= 60;
    if (!valid) return undefined;
    return Date.UTC(year, month, day, hour, minute, second);
  }
  return undefined;
}

/** Two digits that seem over 50 years ahead mean the century before. */
function fullYear(digits: string, nowMs: number): number {
  if (digits.length === 4) return Number(digits);
  const now = new Date(nowMs).getUTCFullYear();
  const year = now - now % 100 + Number(digits);
  return year > now + 50 ? year - 100 : year;
}
