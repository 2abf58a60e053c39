import assert from "node:assert/strict";
import fc from "fast-check";
import {
  BatchEntryError,
  parseReportBatch,
} from "../../src/node_api/report_batch.ts";
import { ReportBodyError } from "../../src/node_api/report_body.ts";

const encoder = new TextEncoder();

/** JSON text as a program may write it, white space included. */
const payload = fc.tuple(fc.json(), fc.constantFrom("", " ", "\n\t"))
  .map(([text, space]) => `${space}${text}${space}`)
  .filter((text) => text.isWellFormed());

const report = fc.record({
  key: fc.stringMatching(/^[A-Za-z0-9._ é-]{1,40}$/)
    .filter((key) => !/^\.{1,2}$|^plexd\./.test(key)),
  contentType: fc.string({ minLength: 1 }).filter((text) =>
    text.isWellFormed()
  ),
  payload,
  ifMatch: fc.option(fc.nat(), { nil: undefined }),
  createOnly: fc.option(fc.boolean(), { nil: undefined }),
});
type Report = typeof report extends fc.Arbitrary<infer One> ? One : never;

const batch = fc.uniqueArray(report, {
  selector: ({ key }) => key,
  minLength: 1,
  maxLength: 8,
});

/** The text of a batch, its members in any order. */
function textOf(reports: readonly Report[], isReversed: boolean): string {
  const entries = reports.map((one) => {
    const members = [
      `"key":${JSON.stringify(one.key)}`,
      `"content_type":${JSON.stringify(one.contentType)}`,
      `"payload":${one.payload}`,
      `"unknown":{"key":["}"]}`,
      ...(one.ifMatch === undefined ? [] : [`"if_match":${one.ifMatch}`]),
      ...(one.createOnly === undefined
        ? []
        : [`"create_only" : ${one.createOnly}`]),
    ];
    return `{${(isReversed ? members.reverse() : members).join(",")}}`;
  });
  return `{"more":[{}], "reports" :[${entries.join(" ,")}]} tail`;
}

Deno.test("parseReportBatch() takes each report as it was sent, payloads byte for byte", () =>
  fc.assert(
    fc.property(batch, fc.boolean(), (reports, isReversed) => {
      const text = textOf(reports, isReversed);
      assert.deepEqual(
        parseReportBatch(encoder.encode(text)),
        reports.map(({ key, contentType, payload, ifMatch, createOnly }) => ({
          key,
          content: { contentType, payload: payload.trim() },
          condition: {
            ...(ifMatch === undefined ? {} : { ifMatch }),
            createOnly: createOnly ?? false,
          },
        })),
      );
    }),
    { numRuns: 500 },
  ));

/** What a broken program may send: a batch with bytes changed, or cut. */
const broken = fc.tuple(
  batch,
  fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 4 }),
  fc.option(fc.nat(), { nil: undefined }),
).map(([reports, changes, end]) => {
  const bytes = encoder.encode(textOf(reports, false));
  for (const [at, value] of changes) bytes[at % bytes.length] = value;
  return end === undefined ? bytes : bytes.slice(0, end % bytes.length);
});

Deno.test("parseReportBatch() refuses what is broken with an error that says so, and nothing else", () =>
  fc.assert(
    fc.property(
      fc.oneof(
        broken,
        fc.uint8Array(),
        fc.json().map((text) => encoder.encode(`{"reports":${text}}`)),
        fc.json().map((text) => encoder.encode(`{"reports":[${text}]}`)),
      ),
      (bytes) => {
        try {
          for (const { key, content } of parseReportBatch(bytes)) {
            assert.ok(key.length > 0 && content.contentType.length > 0);
            JSON.parse(content.payload);
          }
        } catch (error) {
          const isTold = error instanceof ReportBodyError ||
            error instanceof BatchEntryError;
          if (!isTold) throw error;
        }
      },
    ),
    { numRuns: 3_000 },
  ));
