/**
 * Methods and paths of the control plane's node surface, once for client and
 * server. `{name}` is one percent-encoded path segment.
 *
 * @see docs/wire.md, section a.3
 */
export const ENDPOINTS = {
  ping: { method: "GET", path: "/v1/ping" },
  register: { method: "POST", path: "/v1/register" },
  events: { method: "GET", path: "/v1/nodes/{node_id}/events" },
  heartbeat: { method: "POST", path: "/v1/nodes/{node_id}/heartbeat" },
  deregister: { method: "POST", path: "/v1/nodes/{node_id}/deregister" },
  state: { method: "GET", path: "/v1/nodes/{node_id}/state" },
  trustBundle: { method: "GET", path: "/v1/nodes/{node_id}/trust-bundle" },
  credentials: { method: "POST", path: "/v1/nodes/{node_id}/credentials" },
  rotateKeys: { method: "POST", path: "/v1/keys/rotate" },
  capabilities: { method: "PUT", path: "/v1/nodes/{node_id}/capabilities" },
  endpoint: { method: "PUT", path: "/v1/nodes/{node_id}/endpoint" },
  drift: { method: "POST", path: "/v1/nodes/{node_id}/drift" },
  secret: { method: "GET", path: "/v1/nodes/{node_id}/secrets/{key}" },
  report: { method: "POST", path: "/v1/nodes/{node_id}/report" },
  executionAck: {
    method: "POST",
    path: "/v1/nodes/{node_id}/executions/{execution_id}/ack",
  },
  executionResult: {
    method: "POST",
    path: "/v1/nodes/{node_id}/executions/{execution_id}/result",
  },
  metrics: { method: "POST", path: "/v1/nodes/{node_id}/metrics" },
  logs: { method: "POST", path: "/v1/nodes/{node_id}/logs" },
  audit: { method: "POST", path: "/v1/nodes/{node_id}/audit" },
  artifact: {
    method: "GET",
    path: "/v1/artifacts/plexd/{version}/{os}/{arch}",
  },
} as const;

export type EndpointName = keyof typeof ENDPOINTS;

/**
 * What dialect 2 has in another place, or has alone. Everything else stands
 * where dialect 1 has it.
 *
 * @see docs/wire.md, sections h.1, h.6 and h.7
 */
export const ENDPOINTS_2 = {
  putReport: {
    method: "PUT",
    path: "/v1/nodes/{node_id}/state/reports/{key}",
  },
  deleteReport: {
    method: "DELETE",
    path: "/v1/nodes/{node_id}/state/reports/{key}",
  },
  execution: {
    method: "POST",
    path: "/v1/nodes/{node_id}/executions/{execution_id}",
  },
  artifact: { method: "GET", path: "/v1/artifacts/plexd/{version}" },
} as const;

/** Fills `{name}` places of a path, each value as one encoded segment. */
export function fillPath(
  path: string,
  values: Readonly<Record<string, string>>,
): string {
  return path.replace(/\{(\w+)\}/g, (_place, name: string) => {
    const value = values[name];
    if (value === undefined) {
      throw new TypeError(`Path "${path}" needs "${name}"`);
    }
    return encodeSegment(value);
  });
}

/**
 * One path segment. Dots alone are encoded too: URL parsers would take `.` and
 * `..`, and even `%2e`, for a folder, so such a value is refused.
 *
 * @throws {URIError} for `.`, `..`, an empty value or a lone surrogate.
 */
export function encodeSegment(value: string): string {
  if (value === "" || value === "." || value === "..") {
    throw new URIError(`"${value}" cannot be a path segment`);
  }
  return encodeURIComponent(value);
}
