import type { Argument, Command, Example, Flag } from "../command.ts";
import { HELP_FLAGS, OUTPUT } from "./flags.ts";

const CONNECTING: readonly Flag[] = [
  {
    name: "--api",
    value: "URL",
    doc: "the control plane (default http://127.0.0.1:8443)",
  },
  {
    name: "--token-file",
    value: "FILE",
    doc: "file of an operator's token " +
      "(default /var/lib/plexd-control-plane/admin-token)",
  },
  {
    name: "--ca-file",
    value: "FILE",
    doc: "certificates to trust, in PEM",
  },
  {
    name: "--allow-plaintext",
    doc: "send the token over http:// to another host, for all to read",
  },
];

const COMMON = [OUTPUT, ...CONNECTING, ...HELP_FLAGS];

const FILE: Flag = {
  name: "--file",
  value: "FILE",
  doc: "what to set, as JSON; - reads standard input",
};

const DOMAIN: Flag = {
  name: "--domain",
  value: "NAME",
  doc: "the domain (default: default)",
};

const TTL: Flag = {
  name: "--ttl",
  value: "DURATION",
  doc: "how long it is good for, such as 30m",
};

function verb(...choices: readonly string[]): Argument {
  return { name: "WHAT", doc: choices.join(", "), choices };
}

/** What verbs take; the verb itself says which of it must be there. */
function more(name: string, doc: string): Argument {
  return { name, doc, optional: true };
}

interface Family {
  readonly summary: string;
  readonly args: readonly Argument[];
  readonly flags?: readonly Flag[];
  readonly examples: readonly Example[];
  readonly load: Command["load"];
  readonly stoppable?: boolean;
}

function admin(word: string, family: Family): Command {
  return {
    flags: [],
    ...family,
    name: `admin ${word}`,
    exits: [3, 69, 78],
    common: COMMON,
  };
}

const NODE = more("NODE", "id of a node");

/** For operators of a control plane. */
export const ADMIN: readonly Command[] = [
  admin("nodes", {
    summary: "List nodes, look at one, or end what it may do",
    args: [
      verb(
        "list",
        "get",
        "state",
        "reports",
        "drift",
        "events",
        "capabilities",
        "rotate-keys",
        "revoke",
        "delete",
      ),
      NODE,
    ],
    flags: [{
      name: "--diff",
      value: "FILE",
      doc: "with state: how it differs from that file; - reads standard input",
    }],
    examples: [
      { line: "plexd admin nodes list", doc: "as a table" },
      { line: "plexd admin nodes state ID", doc: "what it would get" },
      {
        line: "plexd admin nodes state ID --diff before.json",
        doc: "what has changed since",
      },
    ],
    load: async () => (await import("../admin/nodes.ts")).adminNodes,
  }),
  admin("tokens", {
    summary: "Make a one-time token for a node, list and end tokens",
    args: [
      verb("create", "list", "delete"),
      more("TOKEN_ID", "id of a token, not the token itself"),
    ],
    flags: [TTL, DOMAIN, {
      name: "--dialect",
      value: "N",
      doc: "wire dialect of the node (default 1)",
      choices: ["1", "2"],
    }, {
      name: "--project",
      value: "UUID",
      doc: "dialect 2: good for that project only",
    }],
    examples: [{
      line: "plexd admin tokens create --ttl 10m --output json",
      doc: "for a script",
    }],
    load: async () => (await import("../admin/access.ts")).adminTokens,
  }),
  admin("domains", {
    summary: "List and make domains, whose nodes are peers",
    args: [verb("list", "create", "nodes"), more("NAME", "name of a domain")],
    flags: [{
      name: "--mesh-cidr",
      value: "CIDR",
      doc: "addresses of its nodes (default: the next free network)",
    }],
    examples: [{
      line: "plexd admin domains create lab --mesh-cidr 10.7.0.0/16",
      doc: "a domain with a network of its own",
    }],
    load: async () => (await import("../admin/access.ts")).adminDomains,
  }),
  admin("metadata", {
    summary: "Set and remove metadata of a node",
    args: [
      verb("set", "delete"),
      NODE,
      more("KEY", "its name"),
      more("VALUE", "what to set"),
    ],
    examples: [{
      line: "plexd admin metadata set ID region north",
      doc: "one value",
    }],
    load: async () => (await import("../admin/values.ts")).adminMetadata,
  }),
  admin("data", {
    summary: "Set and remove data of a node",
    args: [verb("set", "delete"), NODE, more("KEY", "its name")],
    flags: [FILE, {
      name: "--content-type",
      value: "TYPE",
      doc: "media type (default application/json)",
    }],
    examples: [{
      line: "plexd admin data set ID motd --file motd.json",
      doc: "one entry, byte for byte",
    }],
    load: async () => (await import("../admin/values.ts")).adminData,
  }),
  admin("secrets", {
    summary: "Set and remove secrets of a node",
    args: [verb("set", "delete"), NODE, more("KEY", "its name")],
    flags: [{ ...FILE, doc: "the value; - reads standard input" }],
    examples: [{
      line: "plexd admin secrets set ID db-password --file - < password",
      doc: "never as an argument",
    }],
    load: async () => (await import("../admin/values.ts")).adminSecrets,
  }),
  admin("policies", {
    summary: "Look at and set rules for nodes",
    args: [
      verb("list", "get", "set", "delete"),
      more("POLICY", "id of a policy"),
    ],
    flags: [FILE, DOMAIN],
    examples: [{
      line: "plexd admin policies set ssh --file ssh.json",
      doc: "rules, and for which nodes they are",
    }],
    load: async () => (await import("../admin/things.ts")).adminPolicies,
  }),
  admin("bridges", {
    summary: "Look at and set what bridges do",
    args: [verb("list", "get", "set", "delete"), NODE],
    flags: [FILE],
    examples: [{
      line: "plexd admin bridges set ID --file bridge.json",
      doc: "relay, user_access, ingress, site_to_site",
    }],
    load: async () => (await import("../admin/things.ts")).adminBridges,
  }),
  admin("services", {
    summary: "Look at and set what roles bring to nodes",
    args: [
      verb("list", "get", "set", "delete"),
      more("SERVICE", "name of a service"),
    ],
    flags: [FILE, DOMAIN],
    examples: [{
      line: "plexd admin services set web --file web.json",
      doc: "a service and its roles",
    }],
    load: async () => (await import("../admin/things.ts")).adminServices,
  }),
  admin("roles", {
    summary: "Give roles to a node, and take them back",
    args: [verb("add", "remove"), NODE, more("ROLE", "a role")],
    examples: [{
      line: "plexd admin roles add ID edge",
      doc: "brings its services",
    }],
    load: async () => (await import("../admin/values.ts")).adminRoles,
  }),
  admin("signing-keys", {
    summary: "Look at the keys that sign events, replace or revoke one",
    args: [
      verb("list", "rotate", "revoke"),
      more("KEY_ID", "id of a signing key"),
    ],
    flags: [{
      name: "--transition",
      value: "DURATION",
      doc: "how long the key before is good (default 1h; 0s when it is stolen)",
    }],
    examples: [{
      line: "plexd admin signing-keys rotate --transition 10m",
      doc: "nodes follow by themselves",
    }],
    load: async () => (await import("../admin/access.ts")).adminSigningKeys,
  }),
  admin("trust-roots", {
    summary: "Have another root vouch for the signing keys, in two steps",
    args: [verb("list", "rotate", "finish")],
    examples: [
      { line: "plexd admin trust-roots rotate", doc: "nodes pin both" },
      {
        line: "plexd admin trust-roots finish",
        doc: "once every node has pulled; others have to join anew",
      },
    ],
    load: async () => (await import("../admin/access.ts")).adminTrustRoots,
  }),
  admin("operators", {
    summary: "List, make and end tokens of operators",
    args: [
      verb("list", "create", "delete"),
      more("NAME", "name of an operator"),
    ],
    flags: [{
      name: "--scopes",
      value: "LIST",
      doc: "some of read, write, enrol, keys, admin (default read)",
    }, TTL],
    examples: [{
      line: "plexd admin operators create ci --scopes read,write --ttl 720h",
      doc: "the token is shown once",
    }],
    load: async () => (await import("../admin/access.ts")).adminOperators,
  }),
  admin("nats-config", {
    summary: "Print the configuration of a nats-server for this control plane",
    args: [],
    flags: [
      {
        name: "--listen",
        value: "HOST:PORT",
        doc: "where the server listens (default: as nodes are told)",
      },
      {
        name: "--store-dir",
        value: "DIR",
        doc: "where it keeps events (default /var/lib/nats/plexd)",
      },
    ],
    examples: [{
      line: "plexd admin nats-config > /etc/nats-server.conf",
      doc: "for plexd control-plane --nats; nothing in it is secret",
    }],
    load: async () => (await import("../admin/message_bus.ts")).adminNatsConfig,
  }),
  admin("audit", {
    summary: "Show who did what, or follow it",
    stoppable: true,
    args: [],
    flags: [{ name: "--follow", short: "-f", doc: "go on as it happens" }],
    examples: [
      { line: "plexd admin audit", doc: "newest first" },
      { line: "plexd admin audit --follow --output json", doc: "a line each" },
    ],
    load: async () => (await import("../admin/audit.ts")).audit,
  }),
  {
    name: "admin backup",
    summary:
      "Copy the database of the control plane on this machine, while it runs",
    args: [{ name: "FILE", doc: "where the copy goes" }],
    flags: [
      {
        name: "--data-dir",
        value: "DIR",
        doc: "data folder (default /var/lib/plexd-control-plane)",
      },
      {
        name: "--include-keys",
        doc: "the master key and the first admin token, too, beside the copy",
      },
    ],
    common: HELP_FLAGS,
    exits: [],
    examples: [
      {
        line: "plexd admin backup /backup/cp.db",
        doc: "without keys: of no use to a thief",
      },
    ],
    load: async () => (await import("../admin/backup.ts")).adminBackup,
  },
];
