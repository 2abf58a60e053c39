import { CommandError, EXIT } from "../command.ts";
import { show } from "../output/show.ts";
import { plain } from "../output/text_width.ts";
import { jsonDiff } from "./json_diff.ts";
import { type AdminSession, readFileFlag, segment, textOf } from "./session.ts";
import { type Columns, showList, showOne } from "./show_answer.ts";
import { verbCommand, type VerbRow } from "./verbs.ts";

const ID = ["NODE"];

/** `plexd admin nodes`: looks at nodes, and ends what they may do. */
export const adminNodes = verbCommand("admin nodes", {
  list: {
    words: [],
    async run(session) {
      await showList(session, await session.text("GET", "/nodes"), "nodes", {
        "ID": "node_id",
        "HOST": "hostname",
        "MESH IP": "mesh_ip",
        "DIALECT": "dialect",
        "STREAM": "connected",
        "HEARD OF": "reachability",
        "LAST HEARTBEAT": "last_heartbeat_at",
        "STATE": "state_version",
        "REVOKED": "revoked_at",
      }, "there are no nodes yet");
    },
  },
  get: shows(""),
  state: { words: ID, run: (session, [id]) => state(session, id!) },
  reports: lists("reports", {
    KEY: "key",
    VERSION: "version",
    UPDATED: "updated_at",
    PAYLOAD: "payload",
  }, "it has reported nothing"),
  drift: lists("drift", {
    RECEIVED: "received_at",
    REPORT: "report",
  }, "it had nothing to correct"),
  events: lists("events", {
    SEQUENCE: "sequence",
    TYPE: "event_type",
    AT: "created_at",
    ID: "event_id",
  }, "nothing was sent to it"),
  capabilities: shows("/capabilities"),
  "rotate-keys": does(
    "POST",
    "/rotate-keys",
    (id) => `Node ${id} was asked for a new mesh key`,
  ),
  revoke: does(
    "POST",
    "/revoke",
    (id) => `The key of node ${id} counts no more`,
  ),
  delete: does("DELETE", "", (id) => `Node ${id} is removed`),
});

function pathOf(id: string, rest: string): string {
  return `/nodes/${segment(id)}${rest}`;
}

/** Shows what there is at a place of a node. */
function shows(rest: string): VerbRow {
  return {
    words: ID,
    async run(session, [id]) {
      await showOne(session, await session.text("GET", pathOf(id!, rest)));
    },
  };
}

/** Lists what stands in the member of an answer that is named as its place. */
function lists(name: string, columns: Columns, none: string): VerbRow {
  return {
    words: ID,
    async run(session, [id]) {
      const answer = await session.text("GET", pathOf(id!, `/${name}`));
      await showList(session, answer, name, columns, none);
    },
  };
}

/** Has something done with a node, and says so. */
function does(
  method: "POST" | "DELETE",
  rest: string,
  done: (id: string) => string,
): VerbRow {
  return {
    words: ID,
    async run(session, [id]) {
      await session.text(method, pathOf(id!, rest));
      session.invocation.print(done(id!));
    },
  };
}

/** What the node would get, or how that differs from a file. */
async function state(session: AdminSession, id: string) {
  const { invocation } = session;
  const now = await session.text("GET", pathOf(id, "/state"));
  const file = textOf(invocation.flags["--diff"]);
  if (file === undefined) {
    return await show(invocation, {
      json: now,
      usual: "json",
      table: () => plain(now.trim()),
    });
  }
  const found = jsonDiff(
    parsed(file, await readFileFlag(file)),
    JSON.parse(now),
  );
  await show(invocation, {
    json: JSON.stringify(found),
    table: () =>
      found.length === 0
        ? `The node would get what ${file} holds`
        : found.flatMap(({ place, before, after }) =>
          [
            ...(before === undefined ? [] : [`- ${place}: ${before}`]),
            ...(after === undefined ? [] : [`+ ${place}: ${after}`]),
          ].map(plain)
        ).join("\n"),
  });
}

function parsed(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new CommandError(EXIT.failed, `${file} holds no JSON`);
  }
}
