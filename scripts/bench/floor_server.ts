import { print } from "./print.ts";

/**
 * The floor for reads: a bare server on a Unix socket that answers every
 * request with the bytes and headers given on standard input.
 *
 * Argument: the socket. Prints "ready".
 */
const { body, headers } = JSON.parse(
  await new Response(Deno.stdin.readable).text(),
) as { body: string; headers: Record<string, string> };

Deno.serve({
  path: Deno.args[0]!,
  onListen: () => print("ready"),
}, () => new Response(body, { headers }));
