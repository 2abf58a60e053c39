import { CommandError, EXIT } from "../command.ts";
import { type AdminSession, readFileFlag, segment, textOf } from "./session.ts";
import { verbCommand } from "./verbs.ts";

const TARGET = ["NODE", "KEY"];

/** What one of each kind is called. */
const SAID = {
  metadata: "metadata",
  data: "data",
  secrets: "secret",
  roles: "role",
} as const;

type Kind = keyof typeof SAID;

/** `plexd admin metadata`, `data` and `secrets`: what nodes are given. */
export const adminMetadata = verbCommand("admin metadata", {
  set: {
    words: [...TARGET, "VALUE"],
    run: (session, [node, key, value]) =>
      put(session, "metadata", node!, key!, JSON.stringify({ value })),
  },
  delete: {
    words: TARGET,
    run: (session, [node, key]) => remove(session, "metadata", node!, key!),
  },
});

export const adminData = verbCommand("admin data", {
  set: {
    words: TARGET,
    async run(session, [node, key]) {
      const { flags } = session.invocation;
      const type = textOf(flags["--content-type"]) ?? "application/json";
      const payload = await contentOf(session);
      await put(
        session,
        "data",
        node!,
        key!,
        // The payload goes as it is written: its numbers keep their form.
        `{"content_type":${JSON.stringify(type)},"payload":${payload}}`,
      );
    },
  },
  delete: {
    words: TARGET,
    run: (session, [node, key]) => remove(session, "data", node!, key!),
  },
});

export const adminSecrets = verbCommand("admin secrets", {
  set: {
    words: TARGET,
    async run(session, [node, key]) {
      // The newline that editors and echo leave behind is not part of it.
      const value = (await contentOf(session)).replace(/\r?\n$/, "");
      await put(session, "secrets", node!, key!, JSON.stringify({ value }));
    },
  },
  delete: {
    words: TARGET,
    run: (session, [node, key]) => remove(session, "secrets", node!, key!),
  },
});

/** `plexd admin roles`: what brings services to a node. */
export const adminRoles = verbCommand("admin roles", {
  add: {
    words: ["NODE", "ROLE"],
    run: (session, [node, role]) =>
      put(session, "roles", node!, role!, undefined),
  },
  remove: {
    words: ["NODE", "ROLE"],
    run: (session, [node, role]) => remove(session, "roles", node!, role!),
  },
});

/** Arguments can be read by everybody on the machine; a secret is never one. */
async function contentOf({ invocation }: AdminSession): Promise<string> {
  const file = textOf(invocation.flags["--file"]);
  if (file !== undefined) return await readFileFlag(file);
  throw new CommandError(
    EXIT.wrongUsage,
    "the value is read from a file",
    "--file FILE names it; --file - reads standard input",
  );
}

function pathOf(kind: Kind, node: string, key: string): string {
  return `/nodes/${segment(node)}/${kind}/${segment(key)}`;
}

async function put(
  { invocation, text }: AdminSession,
  kind: Kind,
  node: string,
  key: string,
  body: string | undefined,
) {
  const answer = await text("PUT", pathOf(kind, node, key), body);
  const { state_version } = JSON.parse(answer || "{}");
  invocation.print(
    `Set ${SAID[kind]} "${key}" of node ${node}` +
      (state_version === undefined ? "" : ` (state version ${state_version})`),
  );
}

async function remove(
  { invocation, text }: AdminSession,
  kind: Kind,
  node: string,
  key: string,
) {
  await text("DELETE", pathOf(kind, node, key));
  invocation.print(`Removed ${SAID[kind]} "${key}" of node ${node}`);
}
