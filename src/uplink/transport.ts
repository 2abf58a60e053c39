/** What goes over a {@linkcode Transport}. */
export interface TransportRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
  /** Ends the request at any point, the reading of the answer included. */
  readonly signal: AbortSignal;
}

/**
 * What carries requests: certificates and proxies are its own affair.
 *
 * It follows no redirect, decodes answers whose encoding is `gzip`, and rejects
 * when there is no answer.
 */
export interface Transport {
  /** Certificates are not checked, so anyone on the way may be the server. */
  readonly insecure: boolean;
  /** Resolves when the answer begins. */
  send(url: string, request: TransportRequest): Promise<Response>;
  /** Lets go of idle connections. */
  close(): void;
}

/**
 * The runtime's own `fetch`, which always checks certificates.
 *
 * @param client Certificates and the like; closed with the transport.
 * @default {one client that all such transports share}
 */
export function fetchTransport(client?: Deno.HttpClient): Transport {
  return {
    insecure: false,
    send: (url, request) =>
      fetch(url, {
        ...request,
        redirect: "manual",
        ...(client ? { client } : {}),
      }),
    close: () => client?.close(),
  };
}
