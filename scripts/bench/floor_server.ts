import { readCanned } from "./canned_answer.ts";
import { print } from "./print.ts";

/**
 * The floor for reads, start and memory: a bare server that answers every
 * request with the same bytes and header fields.
 *
 * Arguments: path of a Unix socket or `127.0.0.1:port`, file with
 * `{body, headers}`. Ends when standard input does.
 */
const [place, answerFile] = Deno.args;
const answer = readCanned(answerFile!);
const onListen = () => print("ready");

if (place!.startsWith("/")) Deno.serve({ path: place!, onListen }, answer);
else {
  const [hostname, port] = place!.split(":");
  const address = { hostname: hostname!, port: Number(port) };
  Deno.serve({ ...address, onListen }, answer);
}

await Deno.stdin.readable.pipeTo(new WritableStream());
Deno.exit();
