import assert from "node:assert/strict";
import { type CleanRoot, cleanRoot } from "./clean_root.ts";
import { ARCH, makeRelease, makeReleaseKey, TREE } from "./make_release.ts";
import { serveFolder } from "./serve_folder.ts";

const folder = Deno.makeTempDirSync({ prefix: "plexd-releases-" });
const key = makeReleaseKey();
Deno.writeTextFileSync(`${folder}/key.pem`, key.pem);
for (
  const version of ["1.2.0-broken", "1.3.0-slow", "0.9.0", "1.0.0", "1.1.0"]
) await makeRelease({ folder, version, key });
globalThis.addEventListener(
  "unload",
  () => Deno.removeSync(folder, { recursive: true }),
);

/** Runs a test in a root of its own, with a server of releases. */
function inRoot(
  name: string,
  body: (
    root: CleanRoot & {
      /** Pipes install.sh into a shell, and fails unless it ends with `code`. */
      script(
        args: string,
        options?: { readonly code?: number; readonly token?: string },
      ): Promise<{ readonly stdout: string; readonly stderr: string }>;
      /** What a shell script prints, which must not fail. */
      read(script: string): Promise<string>;
    },
  ) => Promise<void>,
  { withSystemd = true } = {},
) {
  Deno.test(name, async () => {
    await using root = await cleanRoot({ withSystemd });
    if (!root) return;
    await using server = serveFolder(folder);
    await body({
      ...root,
      async script(args, { code = 0, token } = {}) {
        const done = await root.sh(
          `sh -s -- --base-url ${server.url} --key ${folder}/key.pem ${args} ` +
            `<${TREE}install.sh`,
          token === undefined ? {} : { env: { PLEXD_BOOTSTRAP_TOKEN: token } },
        );
        assert.equal(done.code, code, done.stderr);
        return done;
      },
      async read(script) {
        const { code, stdout, stderr } = await root.sh(script);
        assert.equal(code, 0, stderr);
        return stdout;
      },
    });
  });
}

const API = "--api https://api.example.com";

inRoot(
  "a clean machine gets user, folders, key, unit and a start",
  async (root) => {
    const { stdout } = await root.script(API, { token: "one-time-token" });
    assert.equal(stdout, "plexd 1.1.0 is installed\n");
    const modes = await root.read(
      "stat -c '%a %U:%G %n' /etc/plexd /etc/plexd/* /var/lib/plexd " +
        "/usr/local/bin/plexd /etc/systemd/system/plexd*.service",
    );
    assert.deepEqual(modes.trimEnd().split("\n"), [
      "755 root:root /etc/plexd",
      "644 root:root /etc/plexd/config.yaml",
      "600 plexd:plexd /etc/plexd/machine.key",
      "644 root:root /etc/plexd/release-key.pem",
      "700 plexd:plexd /var/lib/plexd",
      "755 root:root /usr/local/bin/plexd",
      "644 root:root /etc/systemd/system/plexd.service",
      "644 root:root /etc/systemd/system/plexd@.service",
    ]);
    const ids = await root.read("id -Gn plexd; getent passwd plexd");
    assert.match(ids, /^plexd plexd-secrets\n/);
    assert.match(ids, /:\/var\/lib\/plexd:\/usr\/sbin\/nologin\n$/);
    assert.match(
      await root.read("cat /etc/plexd/config.yaml"),
      /^api:\n {2}base_url: "https:\/\/api\.example\.com"$/m,
    );
    assert.deepEqual(root.systemctlCalls(), [
      "daemon-reload",
      "enable --quiet plexd.service",
      "list-units --plain --no-legend --state=active,activating,reloading " +
      "plexd.service plexd@*.service",
      "restart plexd.service",
      "is-active --quiet plexd.service",
    ]);
  },
);

inRoot("done again, nothing changes and nothing is restarted", async (root) => {
  await root.script(API, { token: "one-time-token" });
  const look = "cd / && find /etc /usr/local /var/lib/plexd -newer /proc/1 " +
    "-path '*plexd*' -type f ! -name installed.json -exec sha256sum {} + | sort";
  const before = await root.read(look);
  const calls = root.systemctlCalls().length;
  const { stderr } = await root.script("");
  assert.match(stderr, /plexd 1\.1\.0 is in place already/);
  assert.equal(await root.read(look), before);
  const later = root.systemctlCalls().slice(calls);
  assert.ok(!later.some((call) => call.startsWith("restart")), String(later));
});

inRoot("a configuration that is there is never written over", async (root) => {
  const mine = "api: { base_url: https://mine.example }";
  await root.read(`mkdir /etc/plexd && echo '${mine}' >/etc/plexd/config.yaml`);
  const { stderr } = await root.script(API);
  assert.match(stderr, /config\.yaml is there, and stays as it is/);
  assert.equal(await root.read("cat /etc/plexd/config.yaml"), `${mine}\n`);
  assert.match(
    stderr,
    /The node has not joined, and there is no token: the agent waits/,
  );
});

inRoot(
  "credentials of the unit take the place of key and token",
  async (root) => {
    await root.read(`mkdir -p /etc/credstore
    echo one-time >/etc/credstore/plexd.token
    echo a-key >/etc/credstore/plexd.seal`);
    const { stderr } = await root.script(API);
    assert.match(stderr, /the machine's key is a credential of the unit/);
    assert.equal(
      await root.read("ls /etc/plexd"),
      "config.yaml\nrelease-key.pem\n",
    );
    assert.ok(root.systemctlCalls().includes("restart plexd.service"));
  },
);

inRoot(
  "a token that is named takes the place of one that is there",
  async (root) => {
    await root.script(`${API} --no-start`, { token: "first" });
    await root.script("--no-start", { token: "second" });
    assert.equal(await root.read("cat /etc/plexd/bootstrap-token"), "second\n");
    const { stderr } = await root.script("--no-start", { code: 1, token: "é" });
    assert.match(stderr, /is not 1 to 512 bytes of printable ASCII/);
  },
);

inRoot(
  "an upgrade replaces the program and keeps the former one",
  async (root) => {
    await root.script(`${API} --version 1.0.0`, { token: "one-time-token" });
    const { stdout } = await root.script("");
    assert.equal(stdout, "plexd 1.1.0 is installed, after 1.0.0\n");
    const versions = await root.read(
      "plexd --version; /usr/local/bin/plexd.previous --version",
    );
    assert.equal(versions, "plexd version 1.1.0\nplexd version 1.0.0\n");
  },
);

inRoot("what the server calls its latest may not be older", async (root) => {
  await root.script(`${API} --version 1.2.0-broken --no-start`);
  const { stderr } = await root.script("", { code: 1 });
  assert.match(stderr, /1\.2\.0-broken is installed, which is newer than 1\.1/);
  const { stdout } = await root.script("--version 1.1.0 --no-start");
  assert.equal(stdout, "plexd 1.1.0 is installed, after 1.2.0-broken\n");
});

for (const version of ["1.2.0-broken", "1.3.0-slow"]) {
  inRoot(
    `${version} is not ready, so the former one comes back`,
    async (root) => {
      await root.script(`${API} --version 1.0.0`, { token: "one-time-token" });
      const { stderr } = await root.script(
        `--version ${version} --ready-timeout ${
          version.endsWith("slow") ? "1s" : "90s"
        }`,
        { code: 1 },
      );
      assert.match(
        stderr,
        /was not ready, so the former version is in place again and runs/,
      );
      assert.match(stderr, /journalctl -u plexd\.service/);
      assert.equal(await root.read("plexd --version"), "plexd version 1.0.0\n");
      assert.equal(
        await root.read(
          "sed -n 's/.*\"version\": //p' /usr/local/lib/plexd/installed.json",
        ),
        '"1.0.0",\n',
      );
      assert.match(root.systemctlCalls().at(-1)!, /^is-active/);
    },
  );
}

inRoot(
  "plexd upgrade does the same, and plexd knows why it failed",
  async (root) => {
    await root.script(`${API} --version 1.0.0`, { token: "one-time-token" });
    const { stderr: refusal, code } = await root.sh(
      "plexd upgrade 1.2.0-broken",
    );
    assert.equal(code, 1);
    assert.match(refusal, /the former version is in place again and runs/);
    assert.equal(await root.read("plexd --version"), "plexd version 1.0.0\n");
    const record = "/var/lib/plexd/clusters/default/updates/updates.json";
    const failed = JSON.parse(await root.read(`cat ${record}`));
    assert.equal(failed.last.outcome, "rolled_back");
    assert.equal(failed.last.version, "1.2.0-broken");
    assert.equal(failed.current.version, "1.0.0");
    assert.equal(
      await root.read("plexd upgrade"),
      "plexd 1.1.0 is installed, after 1.0.0\n",
    );
    const done = JSON.parse(await root.read(`cat ${record}`));
    assert.equal(done.last.outcome, "activated");
    assert.equal(done.current.version, "1.1.0");
    assert.equal(done.rollback.version, "1.0.0");
    assert.equal(done.rollback.path, "/usr/local/bin/plexd.previous");
    // It belongs to the agent, which has to read it.
    assert.equal(await root.read(`stat -c %U ${record}`), "plexd\n");
    assert.equal(
      await root.read("plexd upgrade"),
      "plexd 1.1.0 is installed already\n",
    );
    assert.equal(
      await root.read("ls -A /usr/local/lib/plexd"),
      "installed.json\n",
    );
  },
);

inRoot(
  "the Go agent's node is taken over, its program and unit are kept",
  async (root) => {
    await root.read(`set -e
    mkdir -p /usr/local/bin /var/lib/plexd /etc/plexd
    printf '#!/bin/sh\\n# Go buildinf:\\necho go\\n' >/usr/local/bin/plexd
    chmod 755 /usr/local/bin/plexd
    echo '[Service]' >/etc/systemd/system/plexd.service
    echo '{}' >/var/lib/plexd/identity.json
    echo 'api: { base_url: https://api.example.com }' >/etc/plexd/config.yaml`);
    const { stderr } = await root.script("");
    assert.match(
      stderr,
      /bin\/plexd is the Go agent: it is kept as .*plexd\.former/,
    );
    assert.match(
      stderr,
      /its identity and state are taken over at the first start/,
    );
    const kept = await root.read(
      "plexd.former; cat /etc/systemd/system/plexd.service.former; " +
        "stat -c %U /var/lib/plexd/identity.json; plexd --version",
    );
    assert.equal(kept, "go\n[Service]\nplexd\nplexd version 1.1.0\n");
    assert.ok(root.systemctlCalls().includes("restart plexd.service"));
    const { stderr: gone } = await root.script("--uninstall");
    assert.match(gone, /plexd\.former, which was here before, is left alone/);
  },
);

inRoot(
  "the Go agent comes back when the new one is not ready",
  async (root) => {
    await root.read(`set -e
    printf '#!/bin/sh\\n# Go buildinf:\\necho plexd version go\\n' >/usr/local/bin/plexd
    chmod 755 /usr/local/bin/plexd
    echo '[Service]' >/etc/systemd/system/plexd.service
    mkdir -p /var/lib/plexd /etc/plexd
    echo '{}' >/var/lib/plexd/identity.json
    echo 'api: { base_url: https://api.example.com }' >/etc/plexd/config.yaml`);
    await root.script("--version 1.2.0-broken", { code: 1 });
    const back = await root.read(
      "plexd --version; cat /etc/systemd/system/plexd.service; " +
        "ls /usr/local/lib/plexd/installed.json 2>/dev/null || echo none",
    );
    assert.equal(back, "plexd version go\n[Service]\nnone\n");
  },
);

inRoot("uninstalling leaves data, and --purge leaves nothing", async (root) => {
  const look = "find /etc /usr/local /var/lib -name '*plexd*' | sort; " +
    "getent passwd plexd; getent group plexd plexd-secrets || :";
  const before = await root.read(look);
  await root.script(API, { token: "one-time-token" });
  const { stderr } = await root.script("--uninstall");
  assert.match(stderr, /\/etc\/plexd and \/var\/lib\/plexd stay/);
  assert.equal(
    await root.read("ls /etc/plexd; command -v plexd || :"),
    "config.yaml\nmachine.key\nrelease-key.pem\n",
  );
  await root.script("");
  await root.script("--uninstall --purge");
  assert.equal(await root.read(look), before);
  const { stderr: again } = await root.script("--uninstall --purge");
  assert.match(again, /not installed/);
});

inRoot("a rehearsal says everything and changes nothing", async (root) => {
  const look = "find /etc /usr/local /var/lib | sort | sha256sum";
  const before = await root.read(look);
  const { stdout, stderr } = await root.script(`${API} --dry-run`);
  assert.equal(stdout, "plexd 1.1.0 would be installed\n");
  assert.match(stderr, /would create user plexd/);
  assert.match(stderr, /would put in place \/usr\/local\/bin\/plexd,/);
  assert.equal(await root.read(look), before);
  assert.deepEqual(
    root.systemctlCalls().filter((call) => !call.startsWith("list-units")),
    [],
  );
});

inRoot("no space where the program goes: nothing is changed", async (root) => {
  const archive = `${folder}/1.1.0/plexd-1.1.0-linux-${ARCH}`;
  const { code, stderr } = await root.sh(`set -e
    mkdir -p /usr/local/bin
    mount -t tmpfs -o size=4k tmpfs /usr/local/bin
    head -c 4096 /dev/zero >/usr/local/bin/full
    tar -xzf ${archive}.tar.gz -C ${root.shared}
    cd ${root.shared}/plexd-1.1.0-linux-${ARCH}
    if ./plexd install --from . ${API}; then exit 9; fi
    ls -A /usr/local/bin
    ! getent passwd plexd`);
  assert.equal(code, 0, stderr);
  assert.match(
    stderr,
    /plexd cannot be written; the installation is as it was/,
  );
  assert.match(stderr, /free some space on the disk of \/usr\/local\/bin/);
});

inRoot("without systemd it says how to start the agent", async (root) => {
  const { stderr } = await root.script(API, { token: "one-time-token" });
  assert.match(stderr, /systemd does not run this machine/);
  assert.match(
    stderr,
    /setpriv --reuid=plexd .* up --config \/etc\/plexd\/config/,
  );
  assert.equal(
    await root.read(
      "stat -c '%a %U' /etc/plexd/bootstrap-token; cat /etc/plexd/bootstrap-token",
    ),
    "600 plexd\none-time-token\n",
  );
}, { withSystemd: false });
