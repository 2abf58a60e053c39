import { Answer, type RunningPlane } from "../running_plane.ts";

/** A call whose target goes out exactly as it is written. */
export async function rawCall(
  { url }: RunningPlane,
  method: string,
  target: string,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<Answer> {
  const { hostname, port } = new URL(url);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const bytes = new TextEncoder().encode(body);
  const head = [
    `${method} ${target} HTTP/1.1`,
    `Host: ${hostname}:${port}`,
    "Connection: close",
    `Content-Length: ${bytes.length}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  const sent = new Uint8Array([
    ...new TextEncoder().encode(head.join("\r\n") + "\r\n\r\n"),
    ...bytes,
  ]);
  for (let at = 0; at < sent.length;) {
    at += await connection.write(sent.subarray(at));
  }
  const text = await new Response(connection.readable).text();
  const end = text.indexOf("\r\n\r\n");
  const [first = "", ...lines] = text.slice(0, end).split("\r\n");
  return new Answer(
    Number(first.split(" ")[1]),
    new Headers(lines.map((line): [string, string] => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    })),
    text.slice(end + 4),
  );
}
