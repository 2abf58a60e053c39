/** The bytes of a GET on a kept connection. */
export function getRequest(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
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

/** Asks once over a Unix socket, on a connection of its own. */
export async function ask(socket: string, path: string): Promise<Answer> {
  using conn = await Deno.connect({ transport: "unix", path: socket });
  const request = `GET ${path} HTTP/1.1\r\nHost: localhost\r\n` +
    "Connection: close\r\n\r\n";
  await conn.write(new TextEncoder().encode(request));
  return parseAnswer(await new Response(conn.readable).text());
}

/** Whether a server on the socket answers with a 2xx. */
export async function answers(socket: string, path: string): Promise<boolean> {
  try {
    const { status } = await ask(socket, path);
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
