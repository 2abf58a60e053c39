/** What a version of plexd looks like: also part of a path and a file's name. */
const VERSION =
  /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-([0-9A-Za-z.-]{1,40}))?(?:\+[0-9A-Za-z.-]{1,40})?$/;

/** Whether a text is a version, and nothing that could lead elsewhere. */
export function isVersion(text: string): boolean {
  return VERSION.test(text);
}

/**
 * Compares two versions as Semantic Versioning does; what stands after `+` does
 * not count.
 *
 * @returns less than 0 when `a` is the older one, 0 when neither is.
 * @throws {RangeError} for what is no version.
 */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  for (let at = 0; at < 3; at++) {
    const difference = left.numbers[at]! - right.numbers[at]!;
    if (difference !== 0) return difference;
  }
  return comparePreReleases(left.pre, right.pre);
}

function partsOf(version: string) {
  const found = VERSION.exec(version);
  if (!found) {
    throw new RangeError(`Cannot compare ${JSON.stringify(version)}`);
  }
  const [, major, minor, patch, pre] = found;
  return {
    numbers: [Number(major), Number(minor), Number(patch)],
    pre: pre === undefined ? [] : pre.split("."),
  };
}

/** None at all is newer than any: 1.0.0 comes after 1.0.0-rc.1. */
function comparePreReleases(a: readonly string[], b: readonly string[]) {
  if (a.length === 0 || b.length === 0) return b.length - a.length;
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const [left, right] = [a[at], b[at]];
    if (left === undefined) return -1;
    if (right === undefined) return 1;
    if (left === right) continue;
    const [isLeftNumber, isRightNumber] = [
      /^\d+$/.test(left),
      /^\d+$/.test(right),
    ];
    if (isLeftNumber && isRightNumber) return Number(left) - Number(right);
    if (isLeftNumber !== isRightNumber) return isLeftNumber ? -1 : 1;
    return left < right ? -1 : 1;
  }
  return 0;
}
