import assert from "node:assert/strict";
import fc from "fast-check";
import {
  cpuPercent,
  parseControlGroup,
  parseCpuTimes,
  parseMemory,
  parseNetwork,
  parseOpenFilesLimit,
  parsePressure,
} from "../../src/sync/proc_text.ts";

const STAT = `cpu  100 10 50 800 40 5 5 0 30 0
cpu0 100 10 50 800 40 5 5 0 30 0
intr 12345 0 0
`;

const MEMINFO = `MemTotal:       24684096 kB
MemFree:        12000000 kB
MemAvailable:   20000000 kB
`;

const NET_DEV =
  `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 1000 10 0 0 0 0 0 0 1000 10 0 0 0 0 0 0
  eth0: 200 2 0 0 0 0 0 0 30 3 0 0 0 0 0 0
 wg0:4000 2 0 0 0 0 0 0 500 3 0 0 0 0 0 0
`;

Deno.test("parseCpuTimes() counts waiting as idle, and guests once", () => {
  assert.deepEqual(parseCpuTimes(STAT), { busy: 170, total: 1_010 });
});

Deno.test("parseCpuTimes() takes the four columns of old kernels", () => {
  assert.deepEqual(parseCpuTimes("cpu 1 2 3 4\n"), { busy: 6, total: 10 });
});

const loads = [
  { from: [0, 0], to: [1, 3], percent: 33.33 },
  { from: [10, 100], to: [10, 200], percent: 0 },
  { from: [0, 0], to: [5, 5], percent: 100 },
  // The time spent waiting went back.
  { from: [10, 100], to: [9, 200], percent: 0 },
  { from: [10, 100], to: [10, 100], percent: undefined },
] as const;

for (const { from, to, percent } of loads) {
  Deno.test(`cpuPercent() is ${percent} from ${from} to ${to}`, () => {
    const times = ([busy, total]: readonly [number, number]) => ({
      busy,
      total,
    });
    assert.equal(cpuPercent(times(from), times(to)), percent);
  });
}

Deno.test("parseMemory() counts what could not be had at once as used", () => {
  assert.deepEqual(parseMemory(MEMINFO), {
    used: 4_684_096 * 1_024,
    total: 24_684_096 * 1_024,
  });
});

Deno.test("parseNetwork() adds up all interfaces but loopback", () => {
  assert.deepEqual(parseNetwork(NET_DEV), { rx: 4_200, tx: 530 });
});

for (const text of ["", "cpu\n", "cpu  x y z\n", "MemTotal: 5 kB\n", "lo\0:"]) {
  Deno.test(`files of another form say nothing: ${JSON.stringify(text)}`, () => {
    assert.equal(parseCpuTimes(text), undefined);
    assert.equal(parseMemory(text), undefined);
    assert.equal(parseNetwork(text), undefined);
  });
}

const ENDLESS = "9".repeat(400);
const tooMuch = [
  `cpu ${ENDLESS} 0 0 1\n`,
  `MemTotal: ${ENDLESS} kB\nMemAvailable: 1 kB\n`,
  "MemTotal: 18446744073709551615 kB\nMemAvailable: 1 kB\n",
  "eth0: 18446744073709551615 0 0 0 0 0 0 0 1 0 0 0 0 0 0 0\n",
  `eth0: 1 0 0 0 0 0 0 0 ${ENDLESS} 0 0 0 0 0 0 0\n`,
  // A broken driver: negative, in hexadecimal, cut off.
  "MemTotal: -5 kB\nMemAvailable: 1 kB\n",
  "MemTotal: 0x10 kB\nMemAvailable: 1 kB\n",
  "MemTotal: 5 kB\nMemAvail",
];
for (const text of tooMuch) {
  Deno.test(`numbers that no JSON carries exactly say nothing: ${text.slice(0, 40).trim()}`, () => {
    assert.equal(parseCpuTimes(text), undefined);
    assert.equal(parseMemory(text), undefined);
    assert.equal(parseNetwork(text), undefined);
  });
}

Deno.test("whatever the kernel's files hold, what is read of them goes through JSON", () =>
  fc.assert(
    fc.property(
      fc.array(fc.oneof(
        fc.constantFrom(
          "cpu ",
          "cpu0 ",
          "MemTotal:",
          "MemAvailable:",
          "eth0:",
          "lo:",
          " ",
          " kB",
          "\n",
          "-1",
          ENDLESS,
        ),
        fc.nat().map(String),
        fc.string({ maxLength: 4 }),
      )),
      (pieces) => {
        const text = pieces.join("");
        for (const parse of [parseCpuTimes, parseMemory, parseNetwork]) {
          const found = parse(text);
          if (found === undefined) continue;
          assert.deepEqual(JSON.parse(JSON.stringify(found)), found);
          assert.ok(
            Object.values(found).every((one) =>
              Number.isSafeInteger(one) && one >= 0
            ),
          );
        }
      },
    ),
    { numRuns: 2_000 },
  ));

Deno.test("parsePressure() reads the last minute's shares, and both or none", () => {
  const some = "some avg10=1.00 avg60=2.50 avg300=0.00 total=123\n";
  const full = "full avg10=0.00 avg60=0.25 avg300=0.00 total=45\n";
  assert.deepEqual(parsePressure(some + full), { some: 2.5, full: 0.25 });
  assert.equal(parsePressure(some), undefined);
  assert.equal(parsePressure(""), undefined);
});

Deno.test("parseOpenFilesLimit() reads the soft limit, and no word for none", () => {
  const line = (soft: string) =>
    `Max open files            ${soft.padEnd(20)} 524288               files`;
  assert.equal(parseOpenFilesLimit(line("1024")), 1_024);
  assert.equal(parseOpenFilesLimit(line("unlimited")), undefined);
});

Deno.test("parseControlGroup() reads the group of version 2", () => {
  assert.equal(
    parseControlGroup("4:memory:/x\n0::/system.slice\n"),
    "/system.slice",
  );
  assert.equal(parseControlGroup("4:memory:/x\n"), undefined);
});
