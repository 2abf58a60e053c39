import type { Command } from "../command.ts";
import {
  DIE_WITH_STDIN,
  HELP_FLAGS,
  LOG_FLAGS,
  RUNNING,
  TOKEN_FILE_OF_AGENT,
  USERS_LOCK,
} from "./flags.ts";

/** What runs until it is told to stop. */
export const RUN: readonly Command[] = [
  {
    name: "up",
    summary: "Run the agent until it is told to stop",
    stoppable: true,
    spawns: "for actions",
    terminal: "ignored",
    args: [],
    flags: [TOKEN_FILE_OF_AGENT, DIE_WITH_STDIN, USERS_LOCK],
    common: RUNNING,
    exits: [75, 78],
    examples: [
      { line: "plexd up", doc: "with /etc/plexd/config.yaml" },
      {
        line: "plexd up --config plexd.yaml --log-level debug",
        doc: "another configuration, and more of a log",
      },
    ],
    load: async () => (await import("../up.ts")).up,
  },
  {
    name: "dev",
    summary: "Run a control plane and an enrolled agent, live",
    stoppable: true,
    spawns: "always",
    args: [],
    flags: [
      {
        name: "--tour",
        doc: "show everything once, without a person, and exit",
      },
      {
        name: "--data-dir",
        value: "DIR",
        doc: "keep everything in DIR (default: a temporary folder)",
      },
      {
        name: "--dialect",
        value: "N",
        doc: "wire dialect that the node joins in, 1 or 2 (default 1)",
        choices: ["1", "2"],
      },
      {
        name: "--transport",
        value: "WAY",
        doc: "what brings events; nats starts a nats-server, and auto does " +
          "where one is installed (default sse)",
        choices: ["sse", "nats", "auto"],
      },
    ],
    common: HELP_FLAGS,
    exits: [3],
    examples: [
      { line: "plexd dev", doc: "everything temporary; Ctrl-C removes it" },
      {
        line: "plexd dev --tour",
        doc: "the whole system once through, in some seconds",
      },
      {
        line: "plexd dev --tour --transport nats",
        doc: "the same, with a message bus that is killed and comes back",
      },
      {
        line: "plexd dev --data-dir ~/plexd",
        doc: "keep what is there for the next time",
      },
    ],
    load: async () => (await import("../dev/command.ts")).dev,
  },
  {
    name: "control-plane",
    summary: "Run a control plane",
    stoppable: true,
    args: [],
    flags: [
      {
        name: "--listen",
        value: "HOST:PORT",
        doc: "address (default 127.0.0.1:8443)",
      },
      {
        name: "--data-dir",
        value: "DIR",
        doc: "data folder (default /var/lib/plexd-control-plane)",
      },
      { name: "--tls-cert", value: "FILE", doc: "PEM file of the certificate" },
      { name: "--tls-key", value: "FILE", doc: "PEM file of its key" },
      {
        name: "--public-url",
        value: "URL",
        doc: "where nodes reach it, when a proxy stands before it, such as " +
          "https://plane.example (default: as requests name it)",
      },
      {
        name: "--artifacts",
        value: "DIR",
        doc: "releases for nodes, as DIR/<version>/plexd-<os>-<arch>",
      },
      {
        name: "--snapshot-lifetime",
        value: "DURATION",
        doc: "how long a signed state may be relied on (default 24h)",
      },
      {
        name: "--stale-after",
        value: "DURATION",
        doc: "silence after which a node is stale (default 90s)",
      },
      {
        name: "--unreachable-after",
        value: "DURATION",
        doc: "silence after which a node is unreachable (default 5m)",
      },
      {
        name: "--snapshots",
        value: "RULE",
        doc: "offered, or required of nodes that join (default offered)",
        choices: ["offered", "required"],
      },
      {
        name: "--new-epoch",
        doc: "once, after the data folder was restored from a backup",
      },
      {
        name: "--nats",
        value: "URLS",
        doc: "servers of a message bus, such as nats://127.0.0.1:4222: " +
          "a second way for events to nodes",
      },
      {
        name: "--nats-advertise",
        value: "URLS",
        doc: "where nodes find the bus (default: as --nats)",
      },
      {
        name: "--nats-ca",
        value: "FILE",
        doc: "certificates to trust for tls:// servers, in PEM",
      },
      {
        name: "--nats-credentials-ttl",
        value: "DURATION",
        doc: "how long a node can use its credentials of the bus (default 15m)",
      },
      {
        name: "--without",
        value: "PARTS",
        doc:
          "run without some of relation-checker, storage, snapshot, audit, " +
          "events, state: pull or stream answer 501",
      },
      DIE_WITH_STDIN,
      USERS_LOCK,
    ],
    common: [...LOG_FLAGS, ...HELP_FLAGS],
    exits: [75, 78],
    examples: [
      {
        line: "plexd control-plane --data-dir /tmp/cp",
        doc: "on 127.0.0.1:8443; says where its admin token is",
      },
      {
        line:
          "plexd control-plane --listen 0.0.0.0:8443 --tls-cert c.pem --tls-key k.pem",
        doc: "for other machines",
      },
    ],
    load: async () => (await import("../control_plane.ts")).controlPlane,
  },
];
