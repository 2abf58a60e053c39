/**
 * The schema, as the steps that lead to it. `user_version` counts the steps
 * that a database has taken; steps are only ever added.
 *
 * All times are ms since the Unix epoch.
 */
export const SCHEMA_STEPS: readonly string[] = [
  `
  CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

  CREATE TABLE domains (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    mesh_cidr TEXT NOT NULL UNIQUE
  ) STRICT;

  CREATE TABLE tokens (
    hash BLOB PRIMARY KEY,
    domain_id TEXT NOT NULL REFERENCES domains (id),
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    node_id TEXT,
    public_key TEXT
  ) STRICT;

  CREATE TABLE nodes (
    id TEXT PRIMARY KEY,
    domain_id TEXT NOT NULL REFERENCES domains (id),
    dialect INTEGER NOT NULL,
    hostname TEXT NOT NULL,
    public_key TEXT NOT NULL,
    mesh_ip TEXT NOT NULL,
    labels TEXT NOT NULL,
    bearer_hash BLOB NOT NULL UNIQUE,
    sealed_key BLOB NOT NULL,
    state_version INTEGER NOT NULL DEFAULT 1,
    pulled_version INTEGER NOT NULL DEFAULT 0,
    first_sequence INTEGER NOT NULL,
    registered_at INTEGER NOT NULL,
    first_call_at INTEGER,
    last_heartbeat_at INTEGER,
    heartbeat TEXT,
    rotate_keys INTEGER NOT NULL DEFAULT 0,
    UNIQUE (domain_id, mesh_ip)
  ) STRICT;

  CREATE TABLE metadata (
    node_id TEXT NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (node_id, key)
  ) STRICT, WITHOUT ROWID;

  -- Without a payload: removed, and only its version is left.
  CREATE TABLE data (
    node_id TEXT NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    content_type TEXT,
    payload TEXT,
    version INTEGER NOT NULL,
    updated_at TEXT,
    PRIMARY KEY (node_id, key)
  ) STRICT;

  CREATE TABLE secrets (
    node_id TEXT NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    sealed BLOB,
    version INTEGER NOT NULL,
    PRIMARY KEY (node_id, key)
  ) STRICT;

  -- AUTOINCREMENT: a sequence is never given twice, even after pruning.
  CREATE TABLE events (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    domain_id TEXT NOT NULL,
    node_id TEXT,
    payload TEXT NOT NULL,
    signing_key_id TEXT NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX events_of_node ON events (node_id, sequence);
  CREATE INDEX events_of_domain ON events (domain_id, sequence)
    WHERE node_id IS NULL;

  CREATE TABLE signing_keys (
    id TEXT PRIMARY KEY,
    public_key TEXT NOT NULL,
    sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    retired_at INTEGER,
    transition_expires_at INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX one_current_key ON signing_keys (1)
    WHERE retired_at IS NULL;

  CREATE TABLE reports (
    node_id TEXT NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    content_type TEXT NOT NULL,
    payload TEXT NOT NULL,
    version INTEGER NOT NULL,
    updated_at TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (node_id, key)
  ) STRICT;

  CREATE TABLE drift (
    id INTEGER PRIMARY KEY,
    node_id TEXT NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    received_at INTEGER NOT NULL,
    report TEXT NOT NULL
  ) STRICT;
  CREATE INDEX drift_of_node ON drift (node_id, id);

  CREATE TABLE admin_tokens (
    hash BLOB PRIMARY KEY,
    created_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    subject TEXT NOT NULL,
    relation TEXT NOT NULL,
    object TEXT NOT NULL,
    outcome TEXT NOT NULL
  ) STRICT;
  `,
  `
  ALTER TABLE nodes ADD COLUMN endpoint TEXT NOT NULL DEFAULT '';
  ALTER TABLE nodes ADD COLUMN nat_type TEXT;
  ALTER TABLE nodes ADD COLUMN endpoint_at INTEGER;
  ALTER TABLE nodes ADD COLUMN capabilities TEXT;
  ALTER TABLE nodes ADD COLUMN capabilities_at INTEGER;
  -- Of the last rotation that was asked for or done.
  ALTER TABLE nodes ADD COLUMN rotation_id TEXT;
  ALTER TABLE nodes ADD COLUMN key_version INTEGER NOT NULL DEFAULT 1;
  -- Dialect 2 only.
  ALTER TABLE nodes ADD COLUMN registration_nonce TEXT;
  CREATE UNIQUE INDEX node_of_nonce ON nodes (registration_nonce)
    WHERE registration_nonce IS NOT NULL;

  -- Names the policies of the domain as they are now, as a whole.
  ALTER TABLE domains ADD COLUMN policy_revision TEXT;

  -- The one node of the domain that the event is not for.
  ALTER TABLE events ADD COLUMN except_node_id TEXT;

  CREATE TABLE policies (
    domain_id TEXT NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    rules TEXT NOT NULL,
    PRIMARY KEY (domain_id, id)
  ) STRICT;

  CREATE TABLE executions (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    node_id TEXT NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    action TEXT NOT NULL,
    parameters TEXT NOT NULL,
    timeout INTEGER,
    requested_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN
      ('pending', 'accepted', 'started', 'rejected', 'finished')),
    reason TEXT,
    result TEXT,
    changed_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX executions_of_node ON executions (node_id, sequence);

  CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    node_id TEXT NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    target_host TEXT NOT NULL,
    target_port INTEGER NOT NULL,
    authorized_key TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX sessions_of_node ON sessions (node_id);

  CREATE TABLE ingest (
    id INTEGER PRIMARY KEY,
    node_id TEXT NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    record TEXT NOT NULL
  ) STRICT;
  CREATE INDEX ingest_of_node ON ingest (node_id, kind, id);
  `,
  `
  -- What was signed as a node's state last, and what it said it applied.
  CREATE TABLE snapshots (
    node_id TEXT PRIMARY KEY REFERENCES nodes (id) ON DELETE CASCADE,
    version INTEGER,
    content_sha256 TEXT,
    applied_epoch INTEGER,
    applied_version INTEGER,
    applied_at INTEGER
  ) STRICT;
  `,
  `
  -- Since when its heartbeats have come without a long pause.
  ALTER TABLE nodes ADD COLUMN healthy_since INTEGER;

  -- Dialect 2 only.
  ALTER TABLE reports ADD COLUMN workload_tag TEXT;

  -- Output that is too long for a callback; without a sum it is yet to come.
  CREATE TABLE outputs (
    object_key TEXT PRIMARY KEY,
    execution_id TEXT NOT NULL REFERENCES executions (id) ON DELETE CASCADE,
    ticket_hash BLOB NOT NULL UNIQUE,
    declared_bytes INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    sha256 TEXT,
    kept BLOB
  ) STRICT;
  CREATE INDEX outputs_of_execution ON outputs (execution_id);
  `,
  `
  -- Who is what to what. A node is the agent of itself.
  CREATE TABLE relations (
    subject TEXT NOT NULL,
    relation TEXT NOT NULL,
    object TEXT NOT NULL,
    PRIMARY KEY (subject, relation, object)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX relations_of_object ON relations (object);
  INSERT INTO relations
    SELECT 'node:' || id, 'node-agent', 'node:' || id FROM nodes;
  `,
  `
  CREATE TABLE node_roles (
    node_id TEXT NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    PRIMARY KEY (node_id, role)
  ) STRICT, WITHOUT ROWID;

  -- What roles bring to the nodes of a domain; roles are a JSON array.
  CREATE TABLE domain_services (
    domain_id TEXT NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    roles TEXT NOT NULL,
    spec TEXT NOT NULL,
    PRIMARY KEY (domain_id, name)
  ) STRICT;
  `,
  `
  -- What the last look at the heartbeats said; empty before the first one.
  ALTER TABLE nodes ADD COLUMN reachability_state TEXT NOT NULL DEFAULT ''
    CHECK (reachability_state IN ('', 'healthy', 'stale', 'unreachable'));
  ALTER TABLE nodes ADD COLUMN reachability_changed_at INTEGER;
  UPDATE nodes SET reachability_state = 'healthy',
    reachability_changed_at = coalesce(healthy_since, last_heartbeat_at)
    WHERE last_heartbeat_at IS NOT NULL;
  ALTER TABLE nodes DROP COLUMN healthy_since;
  CREATE INDEX nodes_by_heartbeat
    ON nodes (reachability_state, last_heartbeat_at);

  -- For which nodes a policy is: JSON array of ids, JSON object of metadata.
  -- Without either it is for all of the domain.
  ALTER TABLE policies ADD COLUMN nodes TEXT;
  ALTER TABLE policies ADD COLUMN metadata TEXT;
  ALTER TABLE domains DROP COLUMN policy_revision;

  -- What the policies of the domain come to for one node.
  CREATE TABLE compiled_policies (
    node_id TEXT PRIMARY KEY REFERENCES nodes (id) ON DELETE CASCADE,
    revision_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    rules TEXT NOT NULL,
    matched TEXT NOT NULL
  ) STRICT;

  CREATE TABLE bridges (
    node_id TEXT PRIMARY KEY REFERENCES nodes (id) ON DELETE CASCADE,
    config TEXT NOT NULL
  ) STRICT;
  `,
  `
  -- Since when the key of the node does not count any more.
  ALTER TABLE nodes ADD COLUMN revoked_at INTEGER;
  `,
  `
  -- The first token has no name, and may do everything.
  ALTER TABLE admin_tokens ADD COLUMN name TEXT NOT NULL DEFAULT '';
  ALTER TABLE admin_tokens ADD COLUMN scopes TEXT NOT NULL DEFAULT '["admin"]';
  ALTER TABLE admin_tokens ADD COLUMN expires_at INTEGER;
  CREATE UNIQUE INDEX admin_token_names ON admin_tokens (name);
  `,
  `
  -- Counts whenever the nodes of a domain look different to each other.
  ALTER TABLE domains ADD COLUMN peers_revision INTEGER NOT NULL DEFAULT 0;
  CREATE TRIGGER peer_came AFTER INSERT ON nodes BEGIN
    UPDATE domains SET peers_revision = peers_revision + 1
      WHERE id = NEW.domain_id;
  END;
  CREATE TRIGGER peer_left AFTER DELETE ON nodes BEGIN
    UPDATE domains SET peers_revision = peers_revision + 1
      WHERE id = OLD.domain_id;
  END;
  CREATE TRIGGER peer_changed AFTER UPDATE OF
    id, domain_id, public_key, mesh_ip, endpoint, revoked_at ON nodes
    WHEN (OLD.id, OLD.domain_id, OLD.public_key, OLD.mesh_ip, OLD.endpoint,
        OLD.revoked_at)
      IS NOT (NEW.id, NEW.domain_id, NEW.public_key, NEW.mesh_ip, NEW.endpoint,
        NEW.revoked_at)
  BEGIN
    UPDATE domains SET peers_revision = peers_revision + 1
      WHERE id IN (OLD.domain_id, NEW.domain_id);
  END;
  `,
  `
  -- Nodes that read their events from the message bus: those after a sequence,
  -- until their credentials expire.
  CREATE TABLE bus_readers (
    node_id TEXT PRIMARY KEY REFERENCES nodes (id) ON DELETE CASCADE,
    since INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Address that the call came from; unknown of rows of before.
  ALTER TABLE audit ADD COLUMN source TEXT;
  `,
];
