import assert from "node:assert/strict";
import { runPlexd } from "../cli/run_plexd.ts";
import { ServedPlexd } from "../cli/served_plexd.ts";
import {
  CAN_MAKE_CERTIFICATES,
  withCertificates,
} from "../uplink/certificates.ts";

Deno.test({
  name:
    "an agent that does not check certificates works, warns and says so in its status",
  ignore: !CAN_MAKE_CERTIFICATES,
  fn: () =>
    withCertificates(async ({ ca, server }) => {
      const folder = await Deno.makeTempDir();
      try {
        await Deno.writeTextFile(`${folder}/ca.pem`, ca);
        await Deno.writeTextFile(`${folder}/cp.pem`, server.cert);
        await Deno.writeTextFile(`${folder}/cp.key`, server.key);
        await Deno.chmod(`${folder}/cp.key`, 0o600);
        await using plane = new ServedPlexd([
          "control-plane",
          "--listen=127.0.0.1:0",
          `--data-dir=${folder}/control-plane`,
          `--tls-cert=${folder}/cp.pem`,
          `--tls-key=${folder}/cp.key`,
          "--log-format=json",
          "--die-with-stdin",
        ]);
        const [, url = "", tokenFile = ""] = await plane.writes(
          /\{"listening":"(https:\S+)","admin_token_file":"(\S+)"\}\n/,
        );
        const admin = adminOf(url, ca, await Deno.readTextFile(tokenFile));
        const { token } = JSON.parse(await admin("POST", "/tokens", {}));
        const env = {
          PLEXD_API_BASE_URL: url,
          PLEXD_API_TLS_INSECURE_SKIP_VERIFY: "true",
          PLEXD_DATA_DIR: `${folder}/node`,
          PLEXD_SEAL_KEY_FILE: `${folder}/machine.key`,
          PLEXD_NODE_API_SOCKET_PATH: `${folder}/api.sock`,
          PLEXD_NODE_API_SECRETS_SOCKET_PATH: `${folder}/secrets.sock`,
          PLEXD_NODE_API_GROUP: "",
          PLEXD_NODE_API_SECRETS_GROUP: "",
          PLEXD_BOOTSTRAP_TOKEN: token,
        };
        await using agent = new ServedPlexd(["up", "--die-with-stdin"], env);
        await agent.writes(/certificate of the control plane is not checked/);
        const [, nodeId] = await agent.writes(/Node registered node_id=(\S+)/);
        await agent.writes(/Event stream up/);
        await admin("PUT", `/nodes/${nodeId}/metadata/region`, { value: "eu" });
        await agent.writes(/Event applied/);
        const status = await runPlexd(["status"], { env });
        assert.match(status.stdout, /insecure_tls/);
        assert.equal(await agent.stop("SIGTERM"), 0);
        // Joined long since, it warns at each start, and no less in status.
        await using again = new ServedPlexd(["up", "--die-with-stdin"], env);
        await again.writes(/certificate of the control plane is not checked/);
        await again.writes(/Event stream up/);
        const later = await runPlexd(["status", "--output", "json"], { env });
        const { reasons } = JSON.parse(later.stdout);
        assert.ok(
          reasons.some((one: { reason: string }) =>
            one.reason === "insecure_tls"
          ),
          later.stdout,
        );
        assert.equal(await again.stop("SIGTERM"), 0);
        assert.equal(await plane.stop("stdin"), 0);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    }),
});

/** Calls of the admin API, over TLS. */
function adminOf(url: string, ca: string, token: string) {
  return async (method: string, path: string, body: unknown) => {
    using client = Deno.createHttpClient({ caCerts: [ca] });
    const answer = await fetch(`${url}/admin/v1${path}`, {
      method,
      body: JSON.stringify(body),
      headers: { authorization: `Bearer ${token.trim()}` },
      client,
    });
    const text = await answer.text();
    assert.ok(answer.ok, text);
    return text;
  };
}
