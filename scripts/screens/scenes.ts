/** One command on a terminal. */
export interface Scene {
  /** As a person types it, without the `plexd` before it. */
  readonly line: string;
  /** @default {80} */
  readonly columns?: number;
}

/** What is shown under one head. */
export interface Chapter {
  readonly title: string;
  readonly text: string;
  /** What has to hold while it is shown. */
  readonly world: "nothing" | "well" | "alone" | "stopped";
  readonly scenes: readonly Scene[];
}

function lines(...all: readonly string[]): Scene[] {
  return all.map((line) => ({ line }));
}

/** In the order in which somebody meets them. */
export const CHAPTERS: readonly Chapter[] = [
  {
    title: "First look",
    text: "Nothing is configured, nothing runs.",
    world: "nothing",
    scenes: lines(
      "--help",
      "version",
      "store",
      "help config check",
      "dev --tour",
    ),
  },
  {
    title: "A node that is well",
    text: "A control plane and an agent run; some state is set, a report " +
      "written.",
    world: "well",
    scenes: lines(
      "config check",
      "config show --changed",
      "status",
      "why",
      "state --output table",
      "state get data motd",
      "state get data motd --output yaml",
      "state report health --data '{\"ok\":true}'",
      "secrets get db-password",
      "reconcile",
      "ping",
      "ping --output json",
      "events",
      "peers",
      "policies",
      "services",
      "routes",
      "sessions",
      "actions",
      "store verify",
      "store backup {folder}/node.backup",
      "diag --out {folder}/diag.tar.gz",
    ),
  },
  {
    title: "On other terminals",
    text: "Tables fit: what is too wide is cut. Piped, nothing is.",
    world: "well",
    scenes: [
      { line: "config show --changed", columns: 60 },
      { line: "config show --changed", columns: 200 },
      { line: "ping", columns: 60 },
      { line: "status", columns: 60 },
    ],
  },
  {
    title: "The control plane is away",
    text: "It was stopped a moment ago.",
    world: "alone",
    scenes: lines(
      "status",
      "why",
      "ping",
      "state get metadata region",
      "secrets get db-password",
      "reconcile",
    ),
  },
  {
    title: "Mistakes beside a running agent",
    text: "What a newcomer would type.",
    world: "alone",
    scenes: lines(
      "up",
      "join",
      "store repair",
      "store restore /nope",
      "store backup {folder}/node.backup",
      "state get metadata nope",
      "state get meta region",
      "state get secret db-password",
      "secrets get nope",
      "state report health --data {",
      "call GET v1/ping",
      "download 9.9.9 --to {folder}/plexd",
    ),
  },
  {
    title: "No agent runs",
    text: "It was stopped, too.",
    world: "stopped",
    scenes: lines(
      "status",
      "why",
      "state",
      "--print-state --output table",
      "store repair --dry-run",
      "peers --data-dir /nowhere",
      "reconcile",
    ),
  },
  {
    title: "Mistakes in a line",
    text: "The nearest right word is named.",
    world: "nothing",
    scenes: lines(
      "stats",
      "jion",
      "store verfy",
      "verify",
      "frobnicate",
      "up --cnfig x",
      "--outptu json status",
      "status --output jsno",
      "status --tour",
      "status now",
      "up --config",
      "completion tcsh",
      "dev --dialect 3",
      "up --log-level wran",
      "status --cluster ../x",
      "control-plane --listen 1",
      "secrets",
      "help me",
    ),
  },
  {
    title: "Mistakes in a configuration",
    text: "All of them at once, each with its place.",
    world: "nothing",
    scenes: lines(
      "config check {folder}/wrong.yaml",
      "up --config {folder}/wrong.yaml",
      "config check {folder}/none.yaml",
      "up --api http://192.0.2.1",
      "up",
      "join --api http://127.0.0.1:1 --token-file {folder}/none",
    ),
  },
];

/** A configuration with the mistakes that people make. */
export const WRONG_CONFIGURATION = `api:
  base_ulr: https://api.example.com
api_url: https://api.example.com
log_level: wran
reconcile:
  interval: 60
registration: {tokenfile: /etc/plexd/token}
node_api: {http_enabled: true}
actions: {enabled: yes}
`;
