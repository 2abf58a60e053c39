/** Where a test connects to: a socket path, or a port of 127.0.0.1. */
export type Address = string | number;

/** An answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Parts of a request that matter to the test. */
export interface RawRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** The Host field; null for none. @default {"localhost"} */
  readonly host?: string | null;
}

const encoder = new TextEncoder();

/** One request on a connection of its own, its target sent byte for byte. */
export async function call(
  address: Address,
  target: string,
  request: RawRequest = {},
): Promise<RawAnswer> {
  using connection = await dial(address);
  await send(connection, target, request);
  const answer = await receive(connection, request.method);
  if (!answer) throw new Error(`No answer to ${target}`);
  return answer;
}

/** Opens a connection. */
export function dial(address: Address): Promise<Deno.Conn> {
  return typeof address === "string"
    ? Deno.connect({ transport: "unix", path: address })
    : Deno.connect({ hostname: "127.0.0.1", port: address });
}

/** Writes a request. */
export async function send(
  connection: Deno.Conn,
  target: string,
  { method = "GET", headers = {}, body, host = "localhost" }: RawRequest = {},
): Promise<void> {
  const bytes = typeof body === "string" ? encoder.encode(body) : body;
  const fields = [
    ...(host === null ? [] : [`Host: ${host}`]),
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(bytes ? [`Content-Length: ${bytes.length}`] : []),
  ];
  const head = [`${method} ${target} HTTP/1.1`, ...fields, "", ""].join("\r\n");
  await write(connection, encoder.encode(head));
  // A server that has answered already may have hung up.
  if (bytes) await write(connection, bytes).catch(() => {});
}

/** Writes all of `bytes`. */
export async function write(
  connection: Deno.Conn,
  bytes: Uint8Array,
): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await connection.write(bytes.subarray(at));
  }
}

/** Reads one answer; undefined when the connection ends without one. */
export async function receive(
  connection: Deno.Conn,
  method = "GET",
): Promise<RawAnswer | undefined> {
  const buffer = new Uint8Array(65_536);
  // Latin-1 keeps one character a byte, so lengths are lengths.
  let text = "";
  for (;;) {
    const answer = parse(text, method);
    if (answer) return answer;
    const size = await connection.read(buffer).catch(() => null);
    if (size === null) return undefined;
    for (const byte of buffer.subarray(0, size)) {
      text += String.fromCharCode(byte);
    }
  }
}

function parse(text: string, method: string): RawAnswer | undefined {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [first = "", ...lines] = text.slice(0, end).split("\r\n");
  const headers = new Map(lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  }));
  const length = method === "HEAD"
    ? 0
    : Number(headers.get("content-length") ?? 0);
  const rest = text.slice(end + 4);
  if (rest.length < length) return undefined;
  const bytes = Uint8Array.from(
    rest.slice(0, length),
    (unit) => unit.charCodeAt(0),
  );
  return {
    status: Number(first.split(" ")[1]),
    headers,
    body: new TextDecoder().decode(bytes),
  };
}
