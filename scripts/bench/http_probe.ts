/** Connects to a place: the path of a Unix socket, or `127.0.0.1:port`. */
export async function connectTo(place: string): Promise<Deno.Conn> {
  if (place.startsWith("/")) {
    return await Deno.connect({ transport: "unix", path: place });
  }
  const [hostname, port] = place.split(":");
  const conn = await Deno.connect({ hostname: hostname!, port: Number(port) });
  conn.setNoDelay(true);
  return conn;
}

/** The bytes of a GET on a kept connection. */
export function getRequest(path: string, bearer?: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${
    authorization(bearer)
  }\r\n`;
}

/** The bytes of a PUT of a JSON document on a kept connection. */
export function putRequest(path: string, json: string): string {
  const length = new TextEncoder().encode(json).length;
  return `PUT ${path} HTTP/1.1\r\nHost: localhost\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${length}\r\n\r\n` +
    json;
}

/** An answer, taken apart. */
export interface Answer {
  readonly status: number;
  /** Names in lower case, in the order in which they came. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** Asks once, on a connection of its own. */
export async function ask(
  place: string,
  path: string,
  bearer?: string,
): Promise<Answer> {
  using conn = await connectTo(place);
  const request = `GET ${path} HTTP/1.1\r\nHost: localhost\r\n` +
    `${authorization(bearer)}Connection: close\r\n\r\n`;
  await conn.write(new TextEncoder().encode(request));
  return parseAnswer(await new Response(conn.readable).text());
}

/** Whether a server answers with a 2xx. */
export async function answers(
  place: string,
  path: string,
  bearer?: string,
): Promise<boolean> {
  try {
    const { status } = await ask(place, path, bearer);
    return status >= 200 && status < 300;
  } catch {
    return false;
  }
}

/** Takes apart an answer with a plain body. */
export function parseAnswer(text: string): Answer {
  const end = text.indexOf("\r\n\r\n");
  const [first = "", ...lines] = text.slice(0, end).split("\r\n");
  return {
    status: Number(first.split(" ")[1]),
    headers: lines.map((line) => {
      const colon = line.indexOf(":");
      const name = line.slice(0, colon).toLowerCase();
      return [name, line.slice(colon + 1).trim()];
    }),
    body: text.slice(end + 4),
  };
}

function authorization(bearer: string | undefined): string {
  return bearer === undefined ? "" : `Authorization: Bearer ${bearer}\r\n`;
}
