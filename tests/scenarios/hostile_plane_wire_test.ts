import assert from "node:assert/strict";
import type { RawAnswer } from "./cut_wire.ts";
import {
  besieged,
  served,
  stateDocument,
  statusTells,
  VERSION,
  WIPED,
} from "./siege.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

function once(text: string): RawAnswer {
  return () => [bytesOf(text)];
}

/** `piece` again and again, as fast as somebody reads. */
function forever(head: string, piece: string): RawAnswer {
  return function* () {
    yield bytesOf(head);
    const many = bytesOf(piece.repeat(Math.ceil(65_536 / piece.length)));
    for (;;) yield many;
  };
}

const OK = "HTTP/1.1 200 OK\r\n";
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`;
const lower = stateDocument({ ...WIPED, state_version: VERSION - 1 });

/** What comes out of a socket instead of a good answer; no words twice in a row. */
const wires: readonly {
  readonly name: string;
  readonly raw: RawAnswer;
  readonly says: RegExp;
  /** The control plane is there, but says something that is refused. */
  readonly isAnswer?: true;
}[] = [
  {
    name: "another protocol",
    raw: once("SSH-2.0-OpenSSH_9.9\r\n"),
    says: /invalid HTTP version/,
  },
  {
    name: "headers without an end",
    raw: forever(OK, "x-a: aaaaaaaaaaaaaaaaaaaaaaaa\r\n"),
    says: /head is too large/,
  },
  { name: "no headers", raw: once("<html>\n"), says: /invalid HTTP version/ },
  {
    name: "one header without an end",
    raw: forever(`${OK}x-a: `, "a"),
    says: /head is too large/,
  },
  {
    name: "two lengths",
    raw: once(`${OK}content-length: 2\r\ncontent-length: 200\r\n\r\n{}`),
    says: /invalid content-length/,
  },
  {
    name: "answers to come, without an end",
    raw: forever("", "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"),
    says: /no answer within 1000 ms/,
  },
  {
    name: "a length below nothing",
    raw: once(`${OK}content-length: -1\r\n\r\n{}`),
    says: /invalid content-length/,
  },
  {
    name: "a body that ends before its end",
    raw: once(`${OK}content-length: 500\r\n\r\n{}`),
    says: /broke off/,
  },
  {
    name: "a byte in a header that has no place there",
    raw: once(`${OK}x-a: \0\r\n\r\n{}`),
    says: /invalid HTTP header/,
  },
  {
    name: "a chunk of more bytes than there are",
    raw: once(`${CHUNKED}ffffffffffffffffff\r\n{}`),
    says: /broke off/,
  },
  {
    name: "another protocol from now on",
    raw: once(
      "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n" +
        "connection: upgrade\r\n\r\n",
    ),
    says: /status 101/,
  },
  {
    name: "trailers without an end",
    raw: forever(`${CHUNKED}2\r\n{}\r\n0\r\n`, "x-a: b\r\n"),
    says: /broke off/,
  },
  {
    name: "an old state in HTTP/1.0",
    raw: once(`HTTP/1.0 200 OK\r\n\r\n${lower}`),
    says: /older than/,
    isAnswer: true,
  },
  { name: "nothing", raw: once(""), says: /closed before message completed/ },
  {
    name: "a status that is none",
    raw: once("HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n"),
    says: /status 999/,
  },
];

for (
  const { dialect, where, cases, options } of [
    { dialect: 1, where: "", cases: wires, options: {} },
    {
      dialect: 2,
      where: " at a fallback address",
      // Below HTTP the dialects do not differ: some of them do. It has no
      // numbers that could be lower.
      cases: wires.filter(({ isAnswer }, at) => at % 3 === 0 && !isAnswer),
      options: { atFallback: true },
    },
  ] as const
) {
  Deno.test(`nothing that comes over the wire${where} stops the agent or changes its verified state, dialect ${dialect}`, async () => {
    await besieged(
      dialect,
      async ({ stage, plane, verified }) => {
        for (const { name, raw, says, isAnswer } of cases) {
          const { pull } = await stage.status();
          assert.doesNotMatch(pull.last_error ?? "", says);
          plane.speakRaw(raw);
          await stage.statusWhen(
            `a pull meets ${name}`,
            ({ pull }) => says.test(pull.last_error ?? ""),
          );
          await statusTells(stage, {
            name,
            says,
            ...(isAnswer ? {} : { reason: "control_plane_unreachable" }),
          });
          assert.deepEqual(await served(stage), verified, name);
        }
      },
      {},
      options,
    );
  });
}
