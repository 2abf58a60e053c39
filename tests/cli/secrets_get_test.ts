import assert from "node:assert/strict";
import { runPlexd } from "./run_plexd.ts";

const LIMITED = { error: "rate limited by the control plane" };

for (
  const [retryAfter, hint] of [
    ["7", "try again in 7 s"],
    [undefined, "try again in a while"],
    ["soon\u00a0", "try again in a while"],
  ] as const
) {
  Deno.test(`plexd secrets get tells how long to wait after Retry-After: ${retryAfter}`, async () => {
    const folder = await Deno.makeTempDir({ prefix: "plexd-secrets-" });
    const path = `${folder}/secrets.sock`;
    await using _agent = Deno.serve(
      { path, onListen() {} },
      () =>
        Response.json(LIMITED, {
          status: 429,
          headers: retryAfter === undefined
            ? {}
            : { "retry-after": retryAfter },
        }),
    );
    const { code, stdout, stderr } = await runPlexd(["secrets", "get", "pw"], {
      env: { PLEXD_NODE_API_SECRETS_SOCKET_PATH: path },
    });
    assert.equal(code, 69, stderr);
    assert.equal(stdout, "");
    assert.equal(
      stderr,
      "plexd: the control plane is asked too often: rate limited by the " +
        `control plane\n  ${hint}\n`,
    );
    await Deno.remove(folder, { recursive: true });
  });
}
