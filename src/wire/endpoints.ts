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
  state: { method: "GET", path: "/v1/nodes/{node_id}/state" },
  drift: { method: "POST", path: "/v1/nodes/{node_id}/drift" },
  secret: { method: "GET", path: "/v1/nodes/{node_id}/secrets/{key}" },
  report: { method: "POST", path: "/v1/nodes/{node_id}/report" },
} as const;

export type EndpointName = keyof typeof ENDPOINTS;

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
