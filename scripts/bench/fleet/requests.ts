/** A node as its simulation needs it. */
export interface SimulatedNode {
  readonly id: string;
  /** As it goes into the Authorization header. */
  readonly bearer: string;
}

/** The bytes of one request on a kept connection. */
export function requestBytes(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body?: unknown,
): Uint8Array<ArrayBuffer> {
  const text = body === undefined ? "" : JSON.stringify(body);
  const all: Record<string, string> = {
    host: "localhost",
    ...headers,
    ...(body === undefined ? {} : {
      "content-type": "application/json",
      "content-length": String(new TextEncoder().encode(text).length),
    }),
  };
  const lines = Object.entries(all).map(([name, value]) =>
    `${name}: ${value}\r\n`
  );
  return new TextEncoder().encode(
    `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${text}`,
  );
}

export function streamRequest(node: SimulatedNode): Uint8Array<ArrayBuffer> {
  return requestBytes("GET", `/v1/nodes/${node.id}/events`, {
    ...authorized(node),
    accept: "text/event-stream",
  });
}

/**
 * @param etag Of the state that the node has.
 * @param bytes How many a bare server should answer with.
 */
export function stateRequest(
  node: SimulatedNode,
  etag?: string,
  bytes?: number,
): Uint8Array<ArrayBuffer> {
  const query = bytes === undefined ? "" : `?bytes=${bytes}`;
  return requestBytes("GET", `/v1/nodes/${node.id}/state${query}`, {
    ...authorized(node),
    ...(etag === undefined ? {} : { "if-none-match": etag }),
  });
}

export function heartbeatRequest(node: SimulatedNode): Uint8Array<ArrayBuffer> {
  return requestBytes(
    "POST",
    `/v1/nodes/${node.id}/heartbeat`,
    authorized(node),
    {
      client_now: new Date().toISOString(),
      binary_checksum: "0".repeat(64),
      binary_version: "1.0.0",
      nat_summary: {},
    },
  );
}

/** A change that every other node of the domain is told of. */
export function changeRequest(
  node: SimulatedNode,
  endpoint: string,
): Uint8Array<ArrayBuffer> {
  return requestBytes(
    "PUT",
    `/v1/nodes/${node.id}/endpoint`,
    authorized(node),
    { endpoint, nat_type: "unknown", reported_at: new Date().toISOString() },
  );
}

export function registerRequest(token: string): Uint8Array<ArrayBuffer> {
  const key = crypto.getRandomValues(new Uint8Array(32)).toBase64();
  return requestBytes("POST", "/v1/register", {
    authorization: `Bearer ${token}`,
  }, { token, public_key: key, hostname: "bench" });
}

function authorized({ bearer }: SimulatedNode) {
  return { authorization: `Bearer ${bearer}` };
}
