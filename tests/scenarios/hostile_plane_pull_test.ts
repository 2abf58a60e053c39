import assert from "node:assert/strict";
import type { Dialect } from "../../src/wire/dialect.ts";
import { problem } from "../uplink/dialect2_node.ts";
import {
  type BadAnswer,
  besieged,
  body,
  BOMB,
  doBadThing,
  echo,
  endless,
  EPOCH,
  goodState,
  HTML,
  redirect,
  screen,
  slow,
  snapshotDocument,
  stateDocument,
  VERSION,
  WIPED,
} from "./siege.ts";

const UNREACHABLE = { reason: "control_plane_unreachable" } as const;
const UNAUTHORIZED = { reason: "unauthorized" } as const;

/** Valid JSON, as deep as an abyss. */
const ABYSS = "[".repeat(1_000_000) + "]".repeat(1_000_000);

/** A state whose version is this text. */
function numbered(version: string): string {
  return stateDocument({ ...WIPED, state_version: "V" })
    .replace('"V"', version);
}

/** What an agent is answered, one after the other. */
function pulls(dialect: Dialect): readonly BadAnswer[] {
  const good = goodState(dialect);
  // Never the same words twice in a row, so that they cannot be the one before.
  return [
    { name: "HTML with 200", answer: () => HTML, says: /not JSON/ },
    ...OF_OTHER_SHAPE[dialect],
    { name: "the node's bearer", answer: () => echo(200), says: /not JSON/ },
    {
      name: "a document without any member of a state",
      answer: () => body('{"node_id":"n-scripted"}'),
      says: new RegExp(`dialect ${dialect}`),
      ...UNREACHABLE,
    },
    {
      name: "half a document",
      answer: () => body(good.slice(0, 100)),
      says: /not JSON/,
    },
    {
      name: "a connection that is cut inside a document",
      answer: () => slow(),
      cut: true,
      says: /broke off/,
      ...UNREACHABLE,
    },
    { name: "null", answer: () => body("null"), says: /not an object/ },
    { name: "nothing", answer: () => body(""), says: /not JSON/ },
    {
      name: "bytes that are not UTF-8",
      answer: () => body(new Uint8Array([0x7b, 0xff, 0xfe, 0x7d])),
      says: /UTF-8/,
    },
    {
      name: "a document as deep as an abyss",
      answer: () => body(`{"data":${"[".repeat(2_000_000)}`),
      says: /not JSON/,
    },
    { name: "an endless body", answer: () => endless(), says: /longer than/ },
    {
      name: "a body that comes byte by byte",
      answer: () => slow(),
      says: /no answer within 1000 ms/,
      ...UNREACHABLE,
    },
    {
      name: "a gzip body that is none",
      answer: () =>
        body("not gzip", { headers: { "content-encoding": "gzip" } }),
      says: /broke off/,
    },
    {
      name: "no answer",
      answer: ({ plane }) => plane.silence,
      says: /no answer within 1000 ms/,
    },
    ...[301, 302, 303, 307, 308].map(redirect),
    {
      name: "a gzip bomb",
      answer: () => body(BOMB, { headers: { "content-encoding": "gzip" } }),
      says: /longer than/,
      ...UNREACHABLE,
    },
    ...[400, 401, 403, 404, 429, 500].map((status) => ({
      name: `status ${status}`,
      answer: () => body("no", { status }),
      says: new RegExp(`status ${status}`),
      ...(status === 401 || status === 403 ? UNAUTHORIZED : {}),
      ...(status === 500 ? UNREACHABLE : {}),
    })),
    {
      name: "an error text that steers terminals",
      answer: () =>
        body("\x1b[2J\x1b]0;owned\x07\u202eall is well", { status: 502 }),
      says: /status 502/,
      ...UNREACHABLE,
    },
    {
      name: "two bombs in one",
      answer: () =>
        body(BOMB, { headers: { "content-encoding": "gzip, gzip" } }),
      says: /longer than|broke off/,
      ...UNREACHABLE,
    },
    {
      name: "a success without anything",
      answer: () => body(null, { status: 204 }),
      says: /not JSON/,
      ...UNREACHABLE,
    },
    {
      name: "a valid document as deep as an abyss",
      answer: () =>
        body(
          (dialect === 1
            ? stateDocument({ metadata: "A" })
            : snapshotDocument({ state: "A" })).replace('"A"', ABYSS),
        ),
      says: dialect === 1
        ? /metadata: expected record/
        : /state: expected object/,
      ...UNREACHABLE,
    },
    ...OF_ONE_DIALECT[dialect],
  ];
}

/** A document that is none of its dialect, for what is or is not in it. */
const OF_OTHER_SHAPE: Readonly<Record<Dialect, readonly BadAnswer[]>> = {
  1: [
    {
      name: "wrong types",
      answer: () =>
        body(stateDocument({ metadata: { zone: 1 }, data: "none" })),
      says: /metadata\.zone/,
      ...UNREACHABLE,
    },
    {
      name: "a state of dialect 2",
      answer: () => body(snapshotDocument({}, "evil")),
      says: /none of the members of dialect 1/,
      ...UNREACHABLE,
    },
  ],
  2: [
    {
      name: "wrong types",
      answer: () =>
        body(snapshotDocument({
          state: { metadata: [{ key: "zone", value: 1 }], data: [] },
        })),
      says: /state\.metadata\.0\.value/,
      ...UNREACHABLE,
    },
    {
      name: "a state of dialect 1",
      answer: () => body(stateDocument()),
      says: /no policy, bridge, state, reports/,
      ...UNREACHABLE,
    },
    ...["peers", "policy", "bridge", "state", "reports", "reachability"].map(
      (member) => ({
        name: `a document without ${member}`,
        answer: () => body(snapshotDocument({ [member]: undefined })),
        says: new RegExp(`it has no ${member},`),
        ...UNREACHABLE,
      }),
    ),
    {
      name: "a state block without its lists",
      answer: () => body(snapshotDocument({ state: {} })),
      says: /state\.metadata/,
      ...UNREACHABLE,
    },
    {
      name: "a key that stands twice",
      answer: () =>
        body(snapshotDocument({
          state: {
            metadata: [{ key: "zone", value: "a" }, {
              key: "zone",
              value: "evil",
            }],
            data: [],
          },
        })),
      says: /a key stands twice/,
      ...UNREACHABLE,
    },
    {
      name: "a member that stands twice",
      answer: () => body(snapshotDocument().replace("{", '{"state":null,')),
      says: /a member stands twice/,
      ...UNREACHABLE,
    },
  ],
};

/** What the other dialect has no words for. */
const OF_ONE_DIALECT: Readonly<Record<Dialect, readonly BadAnswer[]>> = {
  1: [
    {
      name: "a member twice",
      answer: () => body(`{"node_id":"n-other",${numbered("41").slice(1)}`),
      says: /a member stands twice/,
      ...UNREACHABLE,
    },
    ...[
      { number: "1e400", says: /state_version: expected number/ },
      { number: "-0", says: /state_version: too small/ },
      { number: "9007199254740993", says: /state_version: too big/ },
      { number: "41.5", says: /state_version: expected int/ },
      { number: '"41"', says: /state_version: expected number/ },
    ].map(({ number, says }) => ({
      name: `the version ${number}`,
      answer: () => body(numbered(number)),
      says,
      ...UNREACHABLE,
    })),
    {
      name: "an entry's version of twenty digits",
      answer: () =>
        body(
          stateDocument({ state_version: VERSION + 1 })
            .replace('"version":3', '"version":99999999999999999999'),
        ),
      says: /data\.0\.version: too big/,
      ...UNREACHABLE,
    },
    {
      name: "metadata that reach for the prototype",
      answer: () =>
        body(
          stateDocument({ state_version: VERSION + 1, metadata: { P: 7 } })
            .replace('"P"', '"__proto__"'),
        ),
      says: /a value is not a string/,
      ...UNREACHABLE,
    },
    {
      name: "a lower version",
      answer: () =>
        body(stateDocument({ ...WIPED, state_version: VERSION - 1 })),
      says: /older than/,
    },
    {
      name: "the state of another node",
      answer: () =>
        body(
          stateDocument({
            ...WIPED,
            node_id: "n-other",
            state_version: VERSION + 9,
          }),
        ),
      says: /another node/,
    },
    {
      name: "a lower epoch with a higher version",
      answer: () =>
        body(
          stateDocument({
            ...WIPED,
            epoch: EPOCH - 1,
            state_version: VERSION + 9,
          }),
        ),
      says: /older than/,
    },
    {
      name: "no version any more",
      answer: () =>
        body(
          stateDocument({
            ...WIPED,
            epoch: undefined,
            state_version: undefined,
          }),
        ),
      says: /no version/,
    },
    {
      name: "other metadata under the same version",
      answer: () => body(stateDocument({ metadata: { zone: "evil" } })),
      says: /it differs from the one that is stored/,
      reason: "equivocation",
    },
  ],
  // Its states have neither number nor name of the node, unless they are signed.
  2: [{
    name: "that there is no event bus",
    answer: () => () => problem(501, "signed_event_bus_not_provisioned"),
    says: /signed_event_bus_not_provisioned/,
  }, {
    name: "that the relation is missing",
    answer: () => () => problem(403, "insufficient_relation"),
    says: /insufficient_relation/,
    ...UNAUTHORIZED,
  }],
};

/** Two halves, each against an agent of its own, so that they can run at once. */
for (const dialect of [1, 2] as const) {
  const all = pulls(dialect);
  const half = Math.ceil(all.length / 2);
  for (const cases of [all.slice(0, half), all.slice(half)]) {
    const [first, last] = [cases[0], cases.at(-1)];
    Deno.test(`no answer to a pull stops the agent or changes its verified state, from ${first?.name} to ${last?.name}, dialect ${dialect}`, async () => {
      await besieged(dialect, async (scene) => {
        for (const one of cases) {
          assert.doesNotMatch(screen(await scene.stage.status()), one.says);
          await doBadThing(scene, "state", one);
        }
      });
    });
  }
}

/** What no other address makes good: the control plane itself has spoken. */
const SPOKEN =
  /^(HTML|half|the node's bearer|a redirect|status 4|a gzip bomb|a key that stands twice)/;

Deno.test("the same holds at a fallback address, dialect 2", async () => {
  const cases = pulls(2).filter(({ name }) => SPOKEN.test(name));
  assert.ok(cases.length > 10);
  await besieged(
    2,
    async (scene) => {
      for (const one of cases) await doBadThing(scene, "state", one);
    },
    {},
    { atFallback: true },
  );
});
