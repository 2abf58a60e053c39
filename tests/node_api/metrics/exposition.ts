import assert from "node:assert/strict";

/** One line with a number. */
export interface ExposedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** All lines of one metric. */
export interface ExposedFamily {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: readonly ExposedSample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const TYPES = ["counter", "gauge", "histogram"];
const NUMBER = /^(?:[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)$/;

/**
 * Reads the text form of Prometheus, version 0.0.4, more strictly than
 * Prometheus does: every family has HELP and TYPE once and in front of its
 * samples, which are together and unlike each other, and names and histograms
 * are as `promtool check metrics` wants them.
 *
 * @throws {assert.AssertionError} with the line that is wrong.
 */
export function parseExposition(text: string): Map<string, ExposedFamily> {
  assert.ok(text.endsWith("\n"), "the last line has no end");
  const families = new Map<string, ExposedFamily>();
  const series = new Set<string>();
  let help: readonly [name: string, text: string] | undefined;
  let current: { name: string; type: string; samples: ExposedSample[] } = {
    name: "",
    type: "",
    samples: [],
  };
  for (const line of text.slice(0, -1).split("\n")) {
    const [, kind, name = "", rest = ""] =
      /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (kind === "HELP") {
      assert.match(name, NAME, line);
      assert.equal(help, undefined, `HELP without TYPE before: ${line}`);
      assert.ok(!families.has(name), `twice: ${line}`);
      help = [name, unescaped(rest, false)];
    } else if (kind === "TYPE") {
      assert.equal(help?.[0], name, `TYPE without its HELP: ${line}`);
      assert.ok(TYPES.includes(rest), line);
      current = { name, type: rest, samples: [] };
      families.set(name, { ...current, help: help![1] });
      help = undefined;
    } else {
      assert.equal(help, undefined, `HELP without TYPE before: ${line}`);
      const sample = parseSample(line);
      assert.ok(
        namesOf(current).includes(sample.name),
        `not of ${current.name}: ${line}`,
      );
      const identity = JSON.stringify([
        sample.name,
        Object.entries(sample.labels).sort(),
      ]);
      assert.ok(!series.has(identity), `the same series again: ${line}`);
      series.add(identity);
      current.samples.push(sample);
    }
  }
  for (const family of families.values()) checkFamily(family);
  return families;
}

function namesOf({ name, type }: { name: string; type: string }): string[] {
  return type === "histogram"
    ? ["_bucket", "_sum", "_count"].map((suffix) => name + suffix)
    : [name];
}

function parseSample(line: string): ExposedSample {
  const [, name = "", , labels, number = ""] =
    /^([^\s{]+)(\{(.*)\})? (\S+)$/.exec(line) ?? [];
  assert.match(name, NAME, line);
  assert.match(number, NUMBER, line);
  const read: Record<string, string> = {};
  let left = labels ?? "";
  while (left !== "") {
    const pair = /^([^=]+)="((?:[^"\\]|\\.)*)"(?:,|$)/.exec(left);
    assert.ok(pair, `labels cannot be read: ${line}`);
    const [all, label = "", value = ""] = pair;
    assert.match(label, LABEL_NAME, line);
    assert.ok(!Object.hasOwn(read, label), `a label twice: ${line}`);
    read[label] = unescaped(value, true);
    left = left.slice(all.length);
  }
  const value = number.endsWith("Inf")
    ? (number.startsWith("-") ? -Infinity : Infinity)
    : Number(number);
  return { name, labels: read, value };
}

function unescaped(text: string, quoted: boolean): string {
  return text.replaceAll(/\\(.)/g, (all, escaped) => {
    if (escaped === "n") return "\n";
    assert.ok(escaped === "\\" || quoted && escaped === '"', all);
    return escaped;
  });
}

/** What `promtool check metrics` complains of, and a little more. */
function checkFamily({ name, help, type, samples }: ExposedFamily) {
  assert.ok(samples.length > 0, `${name} has no samples`);
  assert.match(help, /\.$/, `${name}: no sentence: ${help}`);
  assert.equal(type === "counter", name.endsWith("_total"), name);
  assert.doesNotMatch(name, /_(?:count|sum|bucket|info_total)$/, name);
  assert.doesNotMatch(
    name,
    /milli|micro|nano|minutes|hours|days|percent|_(?:ms|kb|mb|kib|mib)(?:_|$)/i,
    `${name}: no base unit`,
  );
  assert.doesNotMatch(name, /gauge|counter|histogram|[A-Z]/, name);
  for (const { value, labels } of samples) {
    if (type !== "gauge") assert.ok(value >= 0, name);
    assert.ok(!Object.hasOwn(labels, type), name);
    if (type !== "histogram") assert.ok(!Object.hasOwn(labels, "le"), name);
  }
  if (type === "histogram") checkHistogram(name, samples);
}

/** Buckets of each series ascend to +Inf, which is the count. */
function checkHistogram(name: string, samples: readonly ExposedSample[]) {
  const groups = Map.groupBy(
    samples,
    ({ labels: { le: _le, ...rest } }) => JSON.stringify(rest),
  );
  for (const [labels, group] of groups) {
    const of = (suffix: string) =>
      group.filter((sample) => sample.name === name + suffix);
    const buckets = of("_bucket");
    const bounds = buckets.map(({ labels: { le = "" } }) =>
      le === "+Inf" ? Infinity : Number(le)
    );
    assert.deepEqual(bounds, bounds.toSorted((a, b) => a - b), name + labels);
    assert.equal(bounds.at(-1), Infinity, name + labels);
    const counts = buckets.map(({ value }) => value);
    assert.deepEqual(counts, counts.toSorted((a, b) => a - b), name + labels);
    assert.deepEqual(of("_count").map(({ value }) => value), [counts.at(-1)]);
    assert.equal(of("_sum").length, 1, name + labels);
  }
}
