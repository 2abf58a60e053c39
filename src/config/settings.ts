import { LOG_LEVELS } from "../platform/log.ts";
import { NAT_TYPES } from "../wire/nat_types.ts";
import { UUID } from "../wire/uuid.ts";
import {
  choice,
  count,
  duration,
  flag,
  ipAndPort,
  path,
  type Setting,
  size,
  text,
  textMap,
  texts,
} from "./setting.ts";

const HOST_AND_PORT = {
  form: "host:port",
  matches:
    /^(\[[0-9a-fA-F:]+\]|[^\s:/]+):([0-5]?\d{1,4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])$/,
  expected: "host:port",
} as const;

const CONTROL_PLANE_URL = {
  form: "URL",
  matches: /^https?:\/\/[^\s/?#@]+(\/[^\s?#]*)?$/,
  expected:
    "a URL such as https://api.example.com, without user, query or fragment",
} as const;

const GROUP = {
  form: "group",
  matches: /^([A-Za-z_][A-Za-z0-9_.-]*)?$/,
  expected: "the name of a group, or nothing",
} as const;

/**
 * Every setting of the agent, once: the configuration file, the environment,
 * the flags, their help and the type {@linkcode Config} all come from here.
 *
 * @see seeds Local Node API and Control Plane Client, "Config"; docs/wire.md,
 * section g.2; design, appendix "Configuration"
 */
export const SETTINGS = {
  "data_dir": path("Folder of everything the agent keeps", {
    default: "/var/lib/plexd",
  }),
  "cluster": text("Name of the membership; one process serves one", {
    default: "default",
    matches: /^[a-z0-9][a-z0-9._-]{0,62}$/,
    expected: "lower-case letters, digits, '.', '_' and '-', at most 63",
  }),
  "log_level": choice("Least important level that is logged", LOG_LEVELS, {
    default: "info",
  }),
  "log_format": choice("auto: JSON under systemd, text otherwise", [
    "auto",
    "json",
    "text",
  ], { default: "auto" }),

  "api.base_url": text("Base URL of the control plane", CONTROL_PLANE_URL),
  "api.fallback_urls": texts(
    "Further base URLs of the same control plane, asked in this order when the first fails",
    CONTROL_PLANE_URL,
  ),
  "api.dialect": choice(
    "Wire dialect; auto: by the form of the token, once, when joining",
    ["auto", "1", "2"],
    { default: "auto" },
  ),
  "api.ca_file": path("PEM file of additional certificate authorities"),
  "api.client_cert_file": path("PEM file of the client certificate"),
  "api.client_key_file": path("PEM file of the client certificate's key"),
  "api.allow_plaintext": flag("Allow http:// to other hosts than loopback", {
    default: false,
  }),
  "api.tls_insecure_skip_verify": flag(
    "Do not check the control plane's certificate; for trying out only",
    { default: false },
  ),
  "api.connect_timeout": duration("Time until a connection answers", {
    default: "10s",
  }),
  "api.request_timeout": duration(
    "Time for a whole request; not for the event stream",
    { default: "30s" },
  ),
  "api.sse_idle_timeout": duration(
    "Silence after which the event stream is reopened",
    { default: "90s" },
  ),
  "api.max_answer_bytes": size(
    "Longest answer that is read, once decoded; a state has to fit into it",
    { default: "10MiB" },
  ),

  "registration.token_value": text(
    "Bootstrap token; only in a file of mode 0600",
    { isSecret: true },
  ),
  "registration.token_file": path("File of the bootstrap token", {
    default: "/etc/plexd/bootstrap-token",
  }),
  "registration.token_env": text("Variable of the bootstrap token", {
    default: "PLEXD_BOOTSTRAP_TOKEN",
    matches: /^[A-Za-z_][A-Za-z0-9_]*$/,
    expected: "the name of an environment variable",
  }),
  "registration.use_metadata": flag(
    "Ask the cloud's metadata service for a token",
    { default: false },
  ),
  "registration.metadata_url": text("Base URL of the metadata service", {
    default: "http://169.254.169.254",
    form: "URL",
    matches: /^https?:\/\/\S+$/,
    expected: "a URL",
  }),
  "registration.metadata_token_path": text("Path of the token there", {
    default: "/plexd/bootstrap-token",
    matches: /^\/\S*$/,
    expected: "a path that starts with /",
  }),
  "registration.metadata_timeout": duration("Time for each call of it", {
    default: "2s",
  }),
  "registration.max_retry_duration": duration("How long joining is tried", {
    default: "5m",
  }),
  "registration.hostname": text(
    "Host name to register; the system's when absent",
  ),
  "registration.metadata": textMap("Metadata to register"),
  "registration.project_id": text("Project to register in; dialect 2 only", {
    form: "UUID",
    matches: UUID,
    expected: "a UUID",
  }),
  "registration.resource_handle": text(
    "Handle of the resource to register as; dialect 2 only",
    { matches: /^[^\0]{1,4096}$/su, expected: "1 to 4096 characters" },
  ),
  "registration.requested_resource_id": text(
    "Id that the resource would like to have; dialect 2 only",
  ),

  "reconcile.interval": duration("Time between two pulls of the state", {
    default: "60s",
    min: "1s",
  }),
  "heartbeat.interval": duration("Time between two heartbeats", {
    default: "30s",
    min: "1s",
  }),

  "metrics.enabled": flag("Send load of the machine", { default: true }),
  "metrics.collect_interval": duration("Time between two samples", {
    default: "15s",
    min: "1s",
  }),
  "metrics.report_interval": duration("Time between two sendings", {
    default: "60s",
    min: "1s",
  }),
  "metrics.batch_size": count("Most samples in one call", {
    default: 100,
    max: 10_000,
  }),
  "log_fwd.enabled": flag("Send the agent's own warnings and errors", {
    default: true,
  }),
  "log_fwd.collect_interval": duration("Time between two collections", {
    default: "10s",
    min: "1s",
  }),
  "log_fwd.report_interval": duration("Time between two sendings", {
    default: "30s",
    min: "1s",
  }),
  "log_fwd.batch_size": count("Most entries in one call", {
    default: 200,
    max: 10_000,
  }),
  "audit_fwd.enabled": flag("Send the agent's own audit records", {
    default: true,
  }),
  "audit_fwd.collect_interval": duration("Time between two collections", {
    default: "5s",
    min: "1s",
  }),
  "audit_fwd.report_interval": duration("Time between two sendings", {
    default: "15s",
    min: "1s",
  }),
  "audit_fwd.batch_size": count("Most records in one call", {
    default: 500,
    max: 10_000,
  }),

  "nat.public_endpoint": ipAndPort("Where peers reach this node from outside"),
  "nat.type": choice("Kind of address translation in front", NAT_TYPES, {
    default: "unknown",
  }),

  "transport": choice(
    "What brings events; auto: the message bus where the control plane has one; nats: the same, and loud when it has to do without",
    ["sse", "nats", "auto"],
    { default: "sse" },
  ),
  "stream.backoff_base": duration("First wait before the stream is reopened", {
    default: "1s",
  }),
  "stream.backoff_max": duration("Longest such wait, before jitter", {
    default: "60s",
  }),
  "stream.polling_after": duration("Outage after which the state is polled", {
    default: "5m",
  }),
  "stream.poll_interval": duration("Time between two polls", {
    default: "60s",
  }),
  "stream.reprobe_interval": duration(
    "Wait after an answer 401, 403 or 404, and between looks for a stream that is not there or for a fresh token",
    { default: "10m" },
  ),
  "stream.max_event_bytes": size("Longest event that is read", {
    default: "4MiB",
  }),

  "trust.accept_keys_from_pull": flag(
    "Let an unsigned pull announce signing keys",
    { default: true },
  ),
  "trust.require_signed_snapshots": flag(
    "Refuse states that are not signed, from the start",
    { default: false },
  ),
  "trust.accept_new_epoch": flag(
    "Enter the new epoch of a restored control plane without asking",
    { default: false },
  ),
  "trust.on_expiry": choice(
    "What happens to reads of a signed state that has expired",
    ["serve", "refuse"],
    { default: "serve" },
  ),

  "node_api.socket_path": path("Socket of everything but secret values", {
    default: "/var/run/plexd/api.sock",
  }),
  "node_api.secrets_socket_path": path(
    "Socket of everything, secret values too",
    { default: "/var/run/plexd/secrets.sock" },
  ),
  "node_api.group": text("Group of the socket; empty: only this user", {
    default: "plexd",
    ...GROUP,
  }),
  "node_api.secrets_group": text(
    "Group of the secrets socket; empty: only this user",
    {
      default: "plexd-secrets",
      ...GROUP,
    },
  ),
  "node_api.split_secrets": flag(
    "false: one socket, which gives secret values too",
    { default: true },
  ),
  "node_api.http_enabled": flag("Listen on TCP, too", { default: false }),
  "node_api.http_listen": text("Address of the TCP listener", {
    default: "127.0.0.1:9100",
    ...HOST_AND_PORT,
  }),
  "node_api.http_token_file": path("File of the TCP listener's bearer token"),
  "node_api.http_secrets": flag("Give secret values over TCP", {
    default: true,
  }),
  "node_api.http_hosts": texts("Further names that Host may have over TCP"),
  "node_api.max_watchers": count(
    "Most readers of `GET /v1/watch` at a time",
    { default: 1_000, max: 100_000 },
  ),
  "node_api.max_connections": count(
    "Most connections of the TCP listener, and most requests that wait on a socket",
    { default: 1_024, max: 100_000 },
  ),
  "node_api.header_timeout": duration(
    "Time for the head of a request over TCP",
    { default: "10s", min: "100ms" },
  ),
  "node_api.idle_timeout": duration(
    "Silence after which a connection over TCP is closed",
    { default: "60s", min: "100ms" },
  ),
  "node_api.debounce_period": duration("Quiet time before reports are sent", {
    default: "5s",
  }),
  "node_api.shutdown_timeout": duration(
    "Time for answers under way at shutdown",
    { default: "5s" },
  ),

  "store.snapshots_kept": count(
    "Signed states that are kept, the active one included",
    { default: 3, min: 2, max: 100 },
  ),
  "store.ring_size": count(
    "Transitions that are kept for `GET /v1/events`",
    { default: 256, min: 16, max: 4_096 },
  ),

  "peers.probe": choice(
    "Whether peers are tried to be reached: tcp opens a connection and closes it",
    ["off", "tcp"],
    { default: "off" },
  ),
  "peers.probe_port": count(
    "Port of peers' mesh addresses that is tried; 0: their endpoints are",
    { default: 0, min: 0, max: 65_535 },
  ),
  "peers.probe_interval": duration("Time between two tries of each peer", {
    default: "60s",
    min: "1s",
  }),
  "peers.probe_timeout": duration("Longest wait for a peer's answer", {
    default: "2s",
    min: "10ms",
  }),

  "actions.enabled": flag("Run configured actions on request", {
    default: false,
  }),
  "actions.commands": textMap("Executable of each action, by its name", {
    matches: /^\/[^\0]*$/,
    expected: "an absolute path",
  }),
  "actions.max_concurrent": count("Most actions at a time", {
    default: 5,
    max: 100,
  }),
  "actions.max_action_timeout": duration("Longest time for one action", {
    default: "10m",
  }),
  "actions.max_output_bytes": size("Longest output of an action that is kept", {
    default: "1MiB",
  }),

  "seal.key_file": path("Key that seals the node's keys on disk", {
    default: "/etc/plexd/machine.key",
  }),

  "updates.base_url": text(
    "Where plexd upgrade looks for releases",
    CONTROL_PLANE_URL,
  ),
  "updates.key_file": path(
    "PEM file of the public key of your own releases; absent: the project's",
  ),
} as const satisfies Readonly<Record<string, Setting<unknown>>>;

export type SettingName = keyof typeof SETTINGS;

/** The effective settings by name, checked and read-only. Times are in ms. */
export type Config = {
  readonly [Name in SettingName]: (typeof SETTINGS)[Name] extends
    Setting<infer Value> ? Value : never;
};

/**
 * Names that the documents know and this version does not use yet. They are
 * accepted with a warning, so that one file serves old and new agents.
 */
export const UNUSED_SETTINGS: readonly RegExp[] = [
  /^actions\.hooks_?dir$/,
  /^(integrity|tunnel|wireguard|policy|peer_exchange|bridge|store)\./,
  /^api\.sse_?reprobe_?interval$/,
  /^heartbeat\.node_?id$/,
  /^nat\.(stun_?servers|refresh_?interval|timeout)$/,
  /^node_api\.secret_?auth_?enabled$/,
  /^(mode|api\.mode)$/,
];

/** Variables of the public agent that are named otherwise here. */
export const ENV_ALIASES: Readonly<Partial<Record<SettingName, string>>> = {
  "api.base_url": "PLEXD_API",
  "registration.token_file": "PLEXD_BOOTSTRAP_TOKEN_FILE",
  "node_api.socket_path": "PLEXD_NODE_API_SOCKET",
};

/**
 * Other spellings, from the public agent and its installers.
 *
 * @see docs/wire.md, section g.2
 */
export const ALIASES: Readonly<Record<string, SettingName>> = {
  "api_url": "api.base_url",
  "api.baseurl": "api.base_url",
  "api.tlsinsecureskipverify": "api.tls_insecure_skip_verify",
  "api.connecttimeout": "api.connect_timeout",
  "api.requesttimeout": "api.request_timeout",
  "api.sseidletimeout": "api.sse_idle_timeout",
  "token_file": "registration.token_file",
  "token.file": "registration.token_file",
  "use_metadata": "registration.use_metadata",
  "metadata_token_path": "registration.metadata_token_path",
  "metadata_timeout": "registration.metadata_timeout",
  "hostname": "registration.hostname",
  "registration.datadir": "data_dir",
  "registration.tokenvalue": "registration.token_value",
  "registration.tokenfile": "registration.token_file",
  "registration.tokenenv": "registration.token_env",
  "registration.usemetadata": "registration.use_metadata",
  "registration.metadatatokenpath": "registration.metadata_token_path",
  "registration.metadatatimeout": "registration.metadata_timeout",
  "registration.maxretryduration": "registration.max_retry_duration",
  "metrics.collectinterval": "metrics.collect_interval",
  "metrics.reportinterval": "metrics.report_interval",
  "actions.maxconcurrent": "actions.max_concurrent",
  "actions.maxactiontimeout": "actions.max_action_timeout",
  "actions.maxoutputbytes": "actions.max_output_bytes",
  "metrics.batchsize": "metrics.batch_size",
  "log_fwd.collectinterval": "log_fwd.collect_interval",
  "log_fwd.reportinterval": "log_fwd.report_interval",
  "log_fwd.batchsize": "log_fwd.batch_size",
  "audit_fwd.collectinterval": "audit_fwd.collect_interval",
  "audit_fwd.reportinterval": "audit_fwd.report_interval",
  "audit_fwd.batchsize": "audit_fwd.batch_size",
  "node_api.datadir": "data_dir",
  "node_api.socketpath": "node_api.socket_path",
  "node_api.httpenabled": "node_api.http_enabled",
  "node_api.httplisten": "node_api.http_listen",
  "node_api.httptokenfile": "node_api.http_token_file",
  "node_api.http.listen": "node_api.http_listen",
  "node_api.http.token_file": "node_api.http_token_file",
  "node_api.debounceperiod": "node_api.debounce_period",
  "node_api.shutdowntimeout": "node_api.shutdown_timeout",
};
