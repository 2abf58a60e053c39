import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { vectors, VECTORS_SHA256 } from "./load.ts";
import { type Group, type Table, TABLES } from "./tables.ts";

Deno.test("vectors.json is the file that was handed over, to the byte", () => {
  const bytes = Deno.readFileSync(new URL("vectors.json", import.meta.url));
  assert.equal(createHash("sha256").update(bytes).digest("hex"), VECTORS_SHA256);
});

type Vector = Record<string, unknown>;

/** The vectors of a group, as they lie in memory for all tests of a process. */
function vectorsOf(group: Group): Vector[] {
  const found = vectors[group] as Vector[] | Vector;
  if (Array.isArray(found)) return found;
  return "vectors" in found ? found["vectors"] as Vector[] : [found];
}

Deno.test("every group of vectors has a table, and every member of a vector a meaning", () => {
  const { about: _about, clock_now: _now, ed25519_keys: _keys, ...groups } =
    vectors;
  assert.deepEqual(Object.keys(TABLES).sort(), Object.keys(groups).sort());
  for (const [group, table] of Object.entries(TABLES)) {
    const { expected, given, remarks = [] } = table;
    const known = [...Object.keys(expected), ...given, ...remarks].sort();
    const there = vectorsOf(group as Group).flatMap(Object.keys);
    assert.deepEqual([...new Set(there)].sort(), known, group);
  }
});

/** Members whose values are not wrong by being those of another vector. */
const WRONG: Readonly<Record<string, (value: never) => unknown>> = {
  steps: (steps: readonly Vector[]) =>
    steps.map((step) => ({
      ...step,
      expect: step["expect"] === "accept" ? "reject" : "accept",
    })),
  valid_keys: (keys: readonly string[]) => [...keys, "!"],
  invalid_keys: (keys: readonly string[]) => [...keys, "a"],
};

/** Something else than this vector has, of the same kind if possible. */
function wrong(member: string, value: unknown, group: readonly Vector[]) {
  const own = WRONG[member];
  if (own) return own(value as never);
  const text = JSON.stringify(value);
  const other = group.find((one) =>
    member in one && JSON.stringify(one[member]) !== text
  );
  if (other) return other[member];
  if (typeof value === "number") return value + 1;
  return Array.isArray(value)
    ? value.with(-1, value.at(-1) + 1)
    : `${value}?`;
}

/** Where plexd settles otherwise than a vector that only tells of the public agent. */
function isSettled(vector: Vector, member: string): boolean {
  return vector["reference_only"] === true && member === "expected_corrections";
}

type TestBody = (context: Deno.TestContext) => void | Promise<void>;

/**
 * Loads a test file anew, without the runner hearing of it.
 *
 * @returns the tests that it makes while it goes through a group, by vector.
 */
async function testsIn(
  file: string,
  group: Vector[],
): Promise<Map<Vector, TestBody[]>> {
  const found = new Map<Vector, TestBody[]>();
  // A group that is one vector is not gone through.
  let current = group.length === 1 ? group[0] : undefined;
  const register = (_name: string, body: TestBody) => {
    const tests = current && found.get(current);
    if (tests) tests.push(body);
    else if (current) found.set(current, [body]);
  };
  function* oneByOne() {
    for (current of [...group.values()]) yield current;
    current = undefined;
  }
  const real = Deno.test;
  Object.assign(Deno, { test: register });
  Object.defineProperty(group, Symbol.iterator, {
    value: oneByOne,
    configurable: true,
  });
  try {
    await import(`../${file}?${++loads}`);
  } finally {
    Object.assign(Deno, { test: real });
    Reflect.deleteProperty(group, Symbol.iterator);
  }
  return found;
}

let loads = 0;

function filesOf({ expected }: Table): string[] {
  return [...new Set(Object.values(expected).flat())];
}

/** Vectors of a group that no test is made of. */
async function unused(group: Group, table: Table): Promise<unknown[]> {
  const all = vectorsOf(group);
  const used = new Set<Vector>();
  for (const file of filesOf(table)) {
    for (const [vector, tests] of await testsIn(file, all)) {
      used.add(vector);
      // If it failed anyhow, a wrong vector that it fails for would prove nothing.
      for (const body of tests) await body(undefined as never);
    }
  }
  return namesOf(all.filter((one) => !used.has(one)));
}

function namesOf(some: readonly Vector[]): unknown[] {
  return some.map((one) => one["name"] ?? JSON.stringify(one));
}

async function fails(body: TestBody): Promise<boolean> {
  try {
    await body(undefined as never);
    return false;
  } catch {
    return true;
  }
}

/** The vectors of a group that pass although `member` is wrong in all of them. */
async function unnoticed(
  group: Group,
  member: string,
  table: Table,
): Promise<unknown[]> {
  const all = vectorsOf(group);
  const having = all.filter((one) => member in one && !isSettled(one, member));
  const right = having.map((one) => one[member]);
  const made = right.map((value) => wrong(member, value, all));
  const noticed = new Set<Vector>();
  try {
    having.forEach((one, at) => one[member] = made[at]);
    for (const file of [table.expected[member]!].flat()) {
      const tests = await testsIn(file, all);
      for (const vector of having) {
        for (const body of tests.get(vector) ?? []) {
          if (noticed.has(vector)) break;
          if (await fails(body)) noticed.add(vector);
        }
      }
    }
  } finally {
    having.forEach((one, at) => one[member] = right[at]);
  }
  return namesOf(having.filter((one) => !noticed.has(one)));
}

for (const [name, table] of Object.entries(TABLES)) {
  const group = name as Group;
  Deno.test(`every vector of ${group} is a test that passes`, async () => {
    assert.deepEqual(await unused(group, table), []);
  });

  for (const member of Object.keys(table.expected)) {
    Deno.test(`a wrong "${member}" in any vector of ${group} fails a test`, async () => {
      assert.deepEqual(await unnoticed(group, member, table), []);
    });
  }
}
