import { print } from "./print.ts";

/**
 * The floor for reads, start and memory: a bare server on a Unix socket that
 * answers every request with the same bytes and header fields.
 *
 * Arguments: socket, file with `{body, headers}`. Ends when standard input does.
 */
const [path, answerFile] = Deno.args;
const { body, headers } = JSON.parse(
  Deno.readTextFileSync(answerFile!),
) as { body: string; headers: Record<string, string> };

Deno.serve({
  path: path!,
  onListen: () => print("ready"),
}, () => new Response(body, { headers }));

await Deno.stdin.readable.pipeTo(new WritableStream());
Deno.exit();
