import { RawFolder } from "./raw_folder.ts";

/**
 * A bare server on a Unix socket that replaces a file for every PUT, and knows
 * nothing of reports: what HTTP adds to a durable write.
 *
 * Arguments: socket, folder, number of files that take turns. Ends when
 * standard input does.
 */
const [path, folderPath, files] = Deno.args;
const folder = new RawFolder(folderPath!, Number(files));

Deno.serve({ path: path!, onListen() {} }, async (request) => {
  const body = await request.text();
  if (request.method === "PUT") folder.replaceNext();
  return new Response(body);
});

await Deno.stdin.readable.pipeTo(new WritableStream());
Deno.exit();
