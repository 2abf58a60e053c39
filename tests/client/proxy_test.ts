import assert from "node:assert/strict";

const CLIENT = new URL("../../src/client/mod.ts", import.meta.url).href;

const PROGRAM = `
import { PlexdClient } from ${JSON.stringify(CLIENT)};
const client = new PlexdClient({ url: Deno.args[0], bearer: "right-token" });
console.log((await client.state()).text);
`;

for (const host of ["127.0.0.1", "[::1]"]) {
  Deno.test(`no proxy of the environment gets the bearer for ${host}`, async () => {
    const proxy = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    let proxied = 0;
    const refusing = (async () => {
      for await (const connection of proxy) {
        proxied++;
        connection.close();
      }
    })();
    const hostname = host.replace(/[[\]]/g, "");
    await using agent = Deno.serve(
      { hostname, port: 0, onListen() {} },
      ({ headers }) =>
        Response.json({
          metadata: { bearer: headers.get("authorization") },
          data_keys: [],
        }),
    );
    const program = await Deno.makeTempFile({ suffix: ".ts" });
    await Deno.writeTextFile(program, PROGRAM);
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--no-prompt", "--no-config", program],
        `http://${host}:${agent.addr.port}`,
      ],
      env: {
        DENO_NO_UPDATE_CHECK: "1",
        HTTP_PROXY: `http://127.0.0.1:${proxy.addr.port}`,
        NO_PROXY: "",
      },
    }).output();
    await Deno.remove(program);
    proxy.close();
    await refusing;
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    assert.match(new TextDecoder().decode(stdout), /"Bearer right-token"/);
    assert.equal(proxied, 0);
  });
}
