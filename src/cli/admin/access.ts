import { nearest } from "../../config/nearest.ts";
import { SCOPES } from "../../control_plane/scopes.ts";
import { CommandError, EXIT } from "../command.ts";
import { segment, textOf } from "./session.ts";
import { showList, showOne } from "./show_answer.ts";
import { verbCommand } from "./verbs.ts";

/** `plexd admin tokens`: one-time tokens for nodes. */
export const adminTokens = verbCommand("admin tokens", {
  list: {
    words: [],
    async run(session) {
      await showList(session, await session.text("GET", "/tokens"), "tokens", {
        ID: "token_id",
        DOMAIN: "domain_id",
        EXPIRES: "expires_at",
        USED: "used_at",
        NODE: "node_id",
      }, "there are no tokens");
    },
  },
  delete: {
    words: ["TOKEN_ID"],
    async run(session, [id]) {
      await session.text("DELETE", `/tokens/${segment(id!)}`);
      session.invocation.print(`Nobody can join with token ${id} any more`);
    },
  },
  create: {
    words: [],
    async run(session) {
      const { flags } = session.invocation;
      const dialect = textOf(flags["--dialect"]);
      const body = {
        ttl: textOf(flags["--ttl"]),
        domain: textOf(flags["--domain"]),
        dialect: dialect === undefined ? undefined : Number(dialect),
        project_id: textOf(flags["--project"]),
      };
      const text = await session.text("POST", "/tokens", JSON.stringify(body));
      await showOne(session, text);
    },
  },
});

/** `plexd admin domains`: nodes of one are peers. */
export const adminDomains = verbCommand("admin domains", {
  list: {
    words: [],
    async run(session) {
      const answer = await session.text("GET", "/domains");
      await showList(session, answer, "domains", {
        NAME: "name",
        "MESH NETWORK": "mesh_cidr",
        ID: "domain_id",
      }, "there are no domains");
    },
  },
  create: {
    words: ["NAME"],
    async run(session, [name]) {
      const mesh_cidr = textOf(session.invocation.flags["--mesh-cidr"]);
      const body = JSON.stringify({ name, mesh_cidr });
      await showOne(session, await session.text("POST", "/domains", body));
    },
  },
  nodes: {
    words: ["DOMAIN"],
    async run(session, [domain]) {
      const path = `/domains/${segment(domain!)}/nodes`;
      await showList(session, await session.text("GET", path), "nodes", {
        ID: "node_id",
        HOST: "hostname",
        "MESH IP": "mesh_ip",
        "PUBLIC KEY": "public_key",
      }, "it has no nodes");
    },
  },
});

/** `plexd admin operators`: who may do what here. */
export const adminOperators = verbCommand("admin operators", {
  list: {
    words: [],
    async run(session) {
      const answer = await session.text("GET", "/operators");
      await showList(session, answer, "operators", {
        NAME: "name",
        SCOPES: "scopes",
        CREATED: "created_at",
        EXPIRES: "expires_at",
      }, "there are no operators");
    },
  },
  create: {
    words: ["NAME"],
    async run(session, [name]) {
      const { flags } = session.invocation;
      const scopes = scopesIn(textOf(flags["--scopes"]) ?? "read");
      const body = JSON.stringify({
        name,
        scopes,
        ttl: textOf(flags["--ttl"]),
      });
      await showOne(session, await session.text("POST", "/operators", body));
    },
  },
  delete: {
    words: ["NAME"],
    async run(session, [name]) {
      await session.text("DELETE", `/operators/${segment(name!)}`);
      session.invocation.print(`The token of "${name}" counts no more`);
    },
  },
});

/** @throws {CommandError} for one that there is not. */
function scopesIn(list: string): readonly string[] {
  const known: readonly string[] = SCOPES;
  const scopes = list.split(",");
  const wrong = scopes.find((scope) => !known.includes(scope));
  if (wrong === undefined) return scopes;
  const near = nearest(wrong, known);
  throw new CommandError(
    EXIT.wrongUsage,
    `--scopes is some of ${known.join(", ")}, not "${wrong}"`,
    near ? `did you mean "${near}"?` : "such as --scopes read,write",
  );
}

/** `plexd admin signing-keys`: the keys that sign events. */
export const adminSigningKeys = verbCommand("admin signing-keys", {
  list: {
    words: [],
    async run(session) {
      const answer = await session.text("GET", "/signing-keys");
      await showList(session, answer, "signing_keys", {
        ID: "key_id",
        STATE: "state",
        CREATED: "created_at",
        RETIRED: "retired_at",
        "PUBLIC KEY": "public_key",
      }, "there are no signing keys");
    },
  },
  revoke: {
    words: ["KEY_ID"],
    async run(session, [id]) {
      const path = `/signing-keys/${segment(id!)}/revoke`;
      await showOne(session, await session.text("POST", path));
    },
  },
  rotate: {
    words: [],
    async run(session) {
      const transition = textOf(session.invocation.flags["--transition"]);
      const body = JSON.stringify({ transition });
      const path = "/signing-keys/rotate";
      await showOne(session, await session.text("POST", path, body));
    },
  },
});

/** `plexd admin trust-roots`: what nodes pin; another takes over in two steps. */
export const adminTrustRoots = verbCommand("admin trust-roots", {
  list: {
    words: [],
    run: async (session) =>
      await showOne(session, await session.text("GET", "/trust-roots")),
  },
  rotate: {
    words: [],
    run: async (session) =>
      await showOne(session, await session.text("POST", "/trust-roots/rotate")),
  },
  finish: {
    words: [],
    run: async (session) =>
      await showOne(session, await session.text("POST", "/trust-roots/finish")),
  },
});
