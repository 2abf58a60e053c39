import assert from "node:assert/strict";
import { runPlexd } from "../cli/run_plexd.ts";
import { Stage } from "./stage.ts";

Deno.test("a terminal is about the membership it chose, and about no other", async () => {
  await using stage = await Stage.open();
  await stage.startControlPlane();
  await stage.leaveToken();
  await stage.startAgent({ env: { PLEXD_CLUSTER: "staging" } });
  const env = {
    PLEXD_SESSION: "story",
    PLEXD_DATA_DIR: stage.dataDir,
    PLEXD_SEAL_KEY_FILE: stage.keyFile,
    PLEXD_API: stage.url,
    PLEXD_NODE_API_SOCKET_PATH: stage.socket,
    PLEXD_NODE_API_SECRETS_SOCKET_PATH: stage.secretsSocket,
    XDG_STATE_HOME: `${stage.folder}/state`,
  };
  const plexd = (...words: string[]) => runPlexd(words, { env });

  // The socket was named, so it is asked: its agent is that of another one.
  for (
    const words of [
      ["status"],
      ["status", "--cluster=x"],
      ["state", "--cluster=x"],
      ["--print-state", "--cluster=x"],
      ["events", "--cluster=x"],
    ]
  ) {
    const { code, stdout, stderr } = await plexd(...words);
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(
      stderr,
      /is that of membership "staging", not of "(default|x)"/,
    );
  }
  assert.equal((await plexd("use", "staging")).code, 0);
  const status = await plexd("status");
  assert.equal(status.code, 0, status.stderr);
  assert.match(status.stdout, /membership staging \(by plexd use\)/);
  assert.equal((await plexd("state")).code, 0);
  const flag = await plexd("status", "--cluster=staging");
  assert.match(flag.stdout, /membership staging \(by --cluster\)/);

  const left = await plexd("deregister", "--purge");
  assert.equal(left.code, 0, left.stderr);
  const { stdout } = await plexd("use", "--output=json");
  const { cluster, chosen } = JSON.parse(stdout);
  assert.deepEqual([cluster, chosen], ["default", null]);
});
