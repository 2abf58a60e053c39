/**
 * The floor for commands: asks a Unix socket once and prints the answer. Without
 * arguments it does nothing, the floor for commands that ask nobody.
 *
 * Arguments: socket, path.
 */
const [socket, path] = Deno.args;
if (socket !== undefined) {
  const client = Deno.createHttpClient({
    proxy: { transport: "unix", path: socket },
  });
  const answer = await fetch(`http://localhost${path}`, { client });
  Deno.stdout.writeSync(new Uint8Array(await answer.arrayBuffer()));
}
Deno.exit();
