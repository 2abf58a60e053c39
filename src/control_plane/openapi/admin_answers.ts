/**
 * What operators are answered: the shapes that the published document shows.
 * Tests hold real answers against them.
 *
 * @see docs/admin-api.md
 */
import * as z from "zod/mini";
import { busConfigSchema } from "../../wire/bus_config.ts";
import { dataEntrySchema } from "../../wire/data_entry.ts";
import { UUID } from "../../wire/uuid.ts";
import { SCOPES } from "../scopes.ts";
import {
  nodeStateBridge,
  secretRef,
  serviceAssignment,
} from "./node_answers.ts";

const id = z.string().check(z.regex(UUID));
const text = z.string();
const time = z.string().check(z.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/));
const count = z.int().check(z.nonnegative());
const dialect = z.union([z.literal(1), z.literal(2)]);
const opaque = z.looseObject({});

export const operator = z.object({
  /** Null: the first one. */
  name: z.nullable(text),
  scopes: z.array(z.enum(SCOPES)),
  created_at: time,
  expires_at: z.nullable(time),
});
export const operators = z.object({ operators: z.array(operator) });
export const newOperator = z.extend(operator, { token: text });

export const token = z.object({
  token: text,
  token_id: text,
  dialect,
  project_id: z.optional(z.nullable(id)),
  domain: text,
  domain_id: id,
  expires_at: time,
});

export const tokens = z.object({
  tokens: z.array(z.object({
    token_id: text,
    domain_id: id,
    expires_at: time,
    used_at: z.nullable(time),
    node_id: z.nullable(id),
  })),
});

export const domain = z.object({
  domain_id: id,
  name: text,
  mesh_cidr: text,
});
export const domains = z.object({ domains: z.array(domain) });
export const domainNodes = z.object({
  nodes: z.array(z.object({
    node_id: id,
    mesh_ip: text,
    public_key: text,
    hostname: text,
    dialect,
  })),
});

export const node = z.object({
  node_id: id,
  domain_id: id,
  dialect,
  hostname: text,
  mesh_ip: text,
  public_key: text,
  endpoint: text,
  nat_type: z.nullable(text),
  state_version: count,
  pulled_version: count,
  connected: z.boolean(),
  registered_at: time,
  revoked_at: z.nullable(time),
  reachability: z.enum(["", "healthy", "stale", "unreachable"]),
  last_heartbeat_at: z.nullable(time),
});
export const nodes = z.object({ nodes: z.array(node) });

export const nodeDetails = z.extend(node, {
  epoch: count,
  labels: z.record(text, text),
  applied_snapshot: z.nullable(
    z.object({ epoch: count, version: count, since: time }),
  ),
  roles: z.array(text),
  heartbeat: z.nullable(opaque),
  metadata: z.record(text, text),
  data: z.array(dataEntrySchema),
  secrets: z.array(secretRef),
});

/** What a change of a node's values answers. */
export const valueSet = z.object({
  node_id: id,
  key: text,
  epoch: count,
  version: z.optional(count),
  state_version: count,
});

export const rotationAsked = z.object({
  node_id: id,
  rotate_keys: z.literal(true),
});

export const reports = z.object({ reports: z.array(dataEntrySchema) });

export const drift = z.object({
  drift: z.array(z.object({
    received_at: time,
    report: z.object({
      timestamp: text,
      corrections: z.array(z.object({ type: text, detail: text })),
    }),
  })),
});

export const events = z.object({
  events: z.array(z.object({
    sequence: count,
    event_id: text,
    event_type: text,
    created_at: time,
    payload: opaque,
  })),
});

export const capabilities = z.object({
  received_at: time,
  capabilities: opaque,
});

const records = z.array(z.object({ received_at: time, record: opaque }));
export const metrics = z.object({ metrics: records });
export const logs = z.object({ logs: records });
export const nodeAudit = z.object({ audit: records });

export const policy = z.object({
  id: text,
  rules: z.array(z.object({
    src: text,
    dst: text,
    port: count,
    protocol: text,
    action: text,
  })),
  nodes: z.optional(z.array(id)),
  metadata: z.optional(z.record(text, text)),
});
export const policies = z.object({
  domain_id: id,
  policies: z.array(policy),
});
export const policySet = z.object({ domain_id: id, id: text });

export const bridge = z.object({ node_id: id, config: nodeStateBridge });
export const bridges = z.object({ bridges: z.array(bridge) });
export const bridgeSet = z.object({
  node_id: id,
  state_version: count,
  epoch: count,
});

export const services = z.object({
  domain_id: id,
  services: z.array(serviceAssignment),
});
export const serviceSet = z.object({ domain_id: id, name: text });

export const roleSet = z.object({
  node_id: id,
  role: text,
  epoch: count,
  state_version: count,
});

export const actionAsked = z.object({ execution_id: id, expires_at: time });
export const executions = z.object({
  executions: z.array(z.object({
    execution_id: id,
    action: text,
    timeout: z.optional(text),
    state: z.enum(["pending", "accepted", "started", "rejected", "finished"]),
    reason: z.nullable(text),
    requested_at: time,
    expires_at: time,
    changed_at: time,
    parameters: z.record(text, text),
    result: z.nullable(opaque),
  })),
});

export const session = z.object({
  session_id: id,
  target_host: text,
  target_port: count,
  authorized_key: text,
  expires_at: time,
});
export const sessions = z.object({
  sessions: z.array(z.extend(session, { created_at: time })),
});

export const signingKeyList = z.object({
  signing_keys: z.array(z.object({
    key_id: text,
    public_key: text,
    state: z.enum(["current", "transition", "retired", "revoked"]),
    created_at: time,
    retired_at: z.optional(time),
  })),
});

export const messageBus = z.extend(busConfigSchema, {
  state: z.enum(["connected", "away"]),
  servers: z.array(text),
  readers: z.int(),
});

export const trustRoots = z.object({
  roots: z.array(text),
  bundle_version: count,
});

export const audit = z.object({
  audit: z.array(z.object({
    id: count,
    at: time,
    subject: text,
    relation: text,
    object: text,
    outcome: text,
    source: z.nullable(text),
  })),
});
