import { CommandError, EXIT } from "../command.ts";
import { type AdminSession, readFileFlag, segment, textOf } from "./session.ts";
import { type Columns, showList, showOne } from "./show_answer.ts";
import { verbCommand, type VerbRow } from "./verbs.ts";

/** Things with a name that are set as a whole, from a file of JSON. */
interface Kind {
  readonly path: string;
  readonly member: string;
  readonly columns: Columns;
  readonly word: string;
  readonly none: string;
}

/** `plexd admin policies`: rules for nodes. */
export const adminPolicies = verbCommand(
  "admin policies",
  verbsOf({
    path: "/policies",
    member: "policies",
    columns: {
      ID: "id",
      NODES: "nodes",
      METADATA: "metadata",
      RULES: "rules",
    },
    word: "POLICY",
    none: "there are no policies",
  }),
);

/** `plexd admin bridges`: what nodes that carry traffic for others do. */
export const adminBridges = verbCommand(
  "admin bridges",
  verbsOf({
    path: "/bridges",
    member: "bridges",
    columns: { NODE: "node_id", CONFIG: "config" },
    word: "NODE",
    none: "no node carries traffic for others",
  }),
);

/** `plexd admin services`: what roles bring to nodes. */
export const adminServices = verbCommand(
  "admin services",
  verbsOf({
    path: "/services",
    member: "services",
    columns: {
      NAME: "name",
      ROLES: "roles",
      VERSION: "version",
      STATE: "desired_state",
    },
    word: "SERVICE",
    none: "there are no services",
  }),
);

function verbsOf(kind: Kind): Record<string, VerbRow> {
  const { path, member, columns, word, none } = kind;
  const placed = (session: AdminSession, id: string) =>
    `${path}/${segment(id)}${domainOf(session)}`;
  return {
    list: {
      words: [],
      async run(session) {
        const answer = await session.text("GET", path + domainOf(session));
        await showList(session, answer, member, columns, none);
      },
    },
    get: {
      words: [word],
      async run(session, [id]) {
        await showOne(session, await session.text("GET", placed(session, id!)));
      },
    },
    set: {
      words: [word],
      async run(session, [id]) {
        const file = textOf(session.invocation.flags["--file"]);
        if (file === undefined) {
          throw new CommandError(
            EXIT.wrongUsage,
            "what to set is read from a file of JSON",
            "--file FILE names it; --file - reads standard input",
          );
        }
        const body = await readFileFlag(file);
        await session.text("PUT", placed(session, id!), body);
        session.invocation.print(`Set "${id}"`);
      },
    },
    delete: {
      words: [word],
      async run(session, [id]) {
        await session.text("DELETE", placed(session, id!));
        session.invocation.print(`Removed "${id}"`);
      },
    },
  };
}

function domainOf({ invocation }: AdminSession): string {
  const name = textOf(invocation.flags["--domain"]);
  return name === undefined ? "" : `?domain=${encodeURIComponent(name)}`;
}
