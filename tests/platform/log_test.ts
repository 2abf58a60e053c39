import assert from "node:assert/strict";
import fc from "fast-check";
import {
  createLogger,
  describeError,
  formatJsonLine,
  formatTextLine,
  type LogFields,
  type LogLevel,
} from "../../src/platform/log.ts";
import { FakeClock } from "../fakes/fake_clock.ts";

function record(fields: LogFields, message = "It happened") {
  const time = "2026-03-01T12:00:00.000Z";
  return { time, level: "info", message, fields } as const;
}

function json(fields: LogFields): unknown {
  return JSON.parse(formatJsonLine(record(fields)));
}

const HEAD = {
  time: "2026-03-01T12:00:00.000Z",
  level: "info",
  msg: "It happened",
};

const cycle: Record<string, unknown> = { name: "loop" };
cycle["self"] = cycle;
const values: { what: string; value: unknown; is: unknown }[] = [
  { what: "a BigInt", value: 2n ** 70n, is: "1180591620717411303424" },
  { what: "a cycle", value: cycle, is: { name: "loop", self: "[seen above]" } },
  {
    what: "an error with its cause",
    value: new Error("outer", { cause: new TypeError("inner") }),
    is: "outer: inner",
  },
  { what: "an error deeper down", value: [new Error("x")], is: ["x"] },
  { what: "a date", value: new Date(0), is: "1970-01-01T00:00:00.000Z" },
  { what: "an invalid date", value: new Date(NaN), is: null },
  { what: "NaN", value: NaN, is: null },
];
for (const { what, value, is } of values) {
  Deno.test(`formatJsonLine() writes ${what}`, () => {
    assert.deepEqual(json({ value }), { ...HEAD, value: is });
  });
}

Deno.test("formatJsonLine() starts with time, level and msg, which no field replaces", () => {
  const line = formatJsonLine(
    record({ level: "x", msg: "y", time: "z", a: 1 }),
  );
  assert.equal(line, JSON.stringify({ ...HEAD, a: 1 }));
});

const unwritable = {
  get value(): string {
    throw new Error("no");
  },
};
let deep: unknown = 1;
for (let level = 0; level < 100_000; level++) deep = [deep];
for (
  const [what, value] of [["a getter that throws", unwritable], [
    "deep nesting",
    deep,
  ]] as const
) {
  for (const format of [formatJsonLine, formatTextLine]) {
    Deno.test(`${format.name}() gives a line for ${what}`, () => {
      assert.match(format(record({ value })), /could not be written/);
    });
  }
}

const texts: { what: string; fields: LogFields; line: string }[] = [
  { what: "plain text", fields: { key: "a-b/c" }, line: "key=a-b/c" },
  { what: "text with a space", fields: { key: "a b" }, line: 'key="a b"' },
  { what: "text with a quote", fields: { key: 'a"b' }, line: 'key="a\\"b"' },
  { what: "empty text", fields: { key: "" }, line: 'key=""' },
  { what: "a number", fields: { n: 1, yes: true }, line: "n=1 yes=true" },
  { what: "nothing", fields: { a: null, b: undefined }, line: "a=null b=null" },
  { what: "a BigInt", fields: { n: 7n }, line: "n=7" },
  {
    what: "an error",
    fields: { error: new Error("a b") },
    line: 'error="a b"',
  },
  {
    what: "a newline that fakes a record",
    fields: { key: "x\n12:00:00.000 ERROR Gone" },
    line: 'key="x\\n12:00:00.000 ERROR Gone"',
  },
  {
    what: "a line separator",
    fields: { key: "a\u2028b" },
    line: 'key="a\\u{2028}b"',
  },
  {
    what: "a terminal control",
    fields: { key: "\x9b2J\x1b[2J" },
    line: 'key="\\u{9b}2J\\u001b[2J"',
  },
  {
    what: "a right-to-left override",
    fields: { key: "a\u202eb" },
    line: 'key="a\\u{202e}b"',
  },
];
for (const { what, fields, line } of texts) {
  Deno.test(`formatTextLine() writes ${what}`, () => {
    assert.equal(
      formatTextLine(record(fields)),
      `12:00:00.000 INFO  It happened ${line}`,
    );
  });
}

Deno.test("both formats give one line without controls, whatever is in a record", () => {
  const name = fc.string({ unit: "binary" });
  const fields = fc.dictionary(name, fc.oneof(name, fc.anything()));
  fc.assert(fc.property(name, fields, (message, fields) => {
    for (const format of [formatJsonLine, formatTextLine]) {
      assert(!/[^ -\u{10ffff}]/u.test(format(record(fields, message))));
    }
  }));
});

function lines(level: LogLevel | undefined): string[] {
  const written: string[] = [];
  const log = createLogger({
    clock: new FakeClock(),
    ...(level ? { level } : {}),
    format: (record) => `${record.level} ${JSON.stringify(record.fields)}`,
    write: (line) => written.push(line),
  });
  const child = log.with({ part: "a", n: 1 });
  for (const at of ["debug", "info", "warn", "error"] as const) {
    child[at]("x", { n: 2 });
  }
  return written;
}

const thresholds = [
  { level: undefined, written: ["info", "warn", "error"] },
  { level: "debug", written: ["debug", "info", "warn", "error"] },
  { level: "error", written: ["error"] },
] as const;
for (const { level, written } of thresholds) {
  Deno.test(`createLogger() writes from ${level ?? "its default"} on, with fields added`, () => {
    const expected = written.map((at) => `${at} {"part":"a","n":2}\n`);
    assert.deepEqual(lines(level), expected);
  });
}

const loop = new Error("loop");
loop.cause = loop;
const errors: { what: string; error: unknown; text: string }[] = [
  { what: "text", error: "plain", text: "plain" },
  { what: "undefined", error: undefined, text: "undefined" },
  {
    what: "an error without message",
    error: new TypeError(),
    text: "TypeError",
  },
  {
    what: "a cause that is text",
    error: new Error("a", { cause: "b" }),
    text: "a: b",
  },
  {
    what: "an object without prototype",
    error: Object.create(null),
    text: "{}",
  },
  {
    what: "an error that is its own cause",
    error: loop,
    text: "loop: …",
  },
  {
    what: "once what an error quotes of its cause",
    error: new Error("cannot read it: gone", { cause: new Error("gone") }),
    text: "cannot read it: gone",
  },
  {
    what: "once what an error quotes of its cause in plain words",
    error: new Error("cannot store it: No space left on device", {
      cause: new Error("No space left on device (os error 28)"),
    }),
    text: "cannot store it: No space left on device",
  },
];
for (const { what, error, text } of errors) {
  Deno.test(`describeError() tells ${what}`, () => {
    assert.equal(describeError(error), text);
  });
}

for (
  const { message, said } of [
    {
      message:
        "error sending request for url (http://127.0.0.1:1/x): client error (Connect): tcp connect error: Connection refused (os error 111)",
      said: "Connection refused",
    },
    {
      message:
        "error sending request for url (https://a.test/): client error (Connect): dns error: no such host",
      said: "no such host",
    },
    {
      message:
        "error sending request from 127.0.0.1:2 for http://127.0.0.1:1/x (127.0.0.1:1): client error (SendRequest): connection closed before message completed",
      said: "connection closed before message completed",
    },
    {
      message:
        "error sending request for url (https://a.test/): client error (Connect): received corrupt message of type InvalidContentType",
      said: "what answers there does not speak TLS",
    },
    {
      message:
        "error sending request for url (https://a.test/): client error (Connect): invalid peer certificate: certificate expired: verification time 1795295218 (UNIX), but certificate is not valid after 1735689600 (59605618 seconds ago)",
      said:
        "invalid peer certificate: it expired at 2025-01-01T00:00:00.000Z, by this machine's clock",
    },
    {
      message:
        "error sending request for url (https://a.test/): client error (Connect): invalid peer certificate: certificate not valid yet: verification time 1795295218 (UNIX), but certificate is not valid before 1811808000 (16512782 seconds in future)",
      said:
        "invalid peer certificate: it is not valid before 2027-06-01T00:00:00.000Z, by this machine's clock",
    },
    {
      message:
        'error sending request for url (https://a.test/): client error (Connect): invalid peer certificate: certificate not valid for name "a.test"; certificate is only valid for DnsName("b.test") or DnsName("c.test")',
      said:
        'invalid peer certificate: certificate not valid for name "a.test"; certificate is only valid for DnsName("b.test") or DnsName("c.test")',
    },
    {
      message:
        'error sending request for url (https://a.test/): client error (Connect): invalid peer certificate: certificate not valid for name "a.test"; certificate is only valid for ' +
        Array.from({ length: 800 }, (_, at) => `DnsName("${at}.test")`)
          .join(", "),
      said:
        'invalid peer certificate: certificate not valid for name "a.test"; certificate is only valid for DnsName("0.test"), DnsName("1.test"), DnsName("2.test"), …',
    },
    {
      message:
        "error sending request for url (https://a.test/): client error (Connect): unsuccessful tunnel",
      said: "the proxy refuses to connect there",
    },
    {
      message:
        "error sending request for url (https://a.test/): client error (Connect): certificate expired: verification time 1 (UNIX), but certificate is not valid after 99999999999999999999 (1 seconds ago)",
      said:
        "certificate expired: verification time 1 (UNIX), but certificate is not valid after 99999999999999999999 (1 seconds ago)",
    },
  ]
) {
  Deno.test(`describeError() says of a call just "${said.slice(0, 120)}"`, () => {
    const cause = new TypeError(message);
    const failed = new Error("GET /x got no answer", {
      cause: new TypeError("fetch failed", { cause }),
    });
    assert.equal(describeError(failed), `GET /x got no answer: ${said}`);
  });
}
