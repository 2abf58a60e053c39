import assert from "node:assert/strict";
import { type Finished, run } from "./run_script.ts";

/**
 * This machine's file system with folders of its own over what an installation
 * writes: `/etc`, `/usr/local`, `/var/lib` and `/run`. Changes stay in a folder
 * of the test. Users are really made; systemd is a script that stands in for
 * `systemctl`, and writes down what it was asked for.
 */
export interface CleanRoot extends AsyncDisposable {
  /** Runs a shell script in there. */
  sh(
    script: string,
    options?: { readonly env?: Readonly<Record<string, string>> },
  ): Promise<Finished>;
  /** What systemctl was asked for so far, line by line. */
  systemctlCalls(): string[];
  /** Folder that is the same inside and outside. */
  readonly shared: string;
}

/** Folders that have a layer over them. */
const LAYERED = ["/etc", "/usr/local", "/var/lib"];

/**
 * What stands in for systemctl. An agent is ready when its program is; one of a
 * version that ends in "-broken" never is, and "-slow" keeps systemctl waiting.
 */
function fakeSystemctl(shared: string): string {
  return `#!/bin/sh
echo "$*" >>'${shared}/systemctl.log'
active='${shared}/active'
case $1 in
  restart)
    version=$(/usr/local/bin/plexd --version | head -n 1)
    case $version in
      *-slow) rm -f "$active"; exec sleep 600 ;;
      *-broken) rm -f "$active"; echo "Job for $2 failed." >&2; exit 1 ;;
    esac
    [ ! -e /etc/plexd/bootstrap-token ] || {
      # As an agent leaves its membership once it has joined.
      cd /var/lib/plexd && mkdir -p clusters/default/identity clusters/default/updates
      : >clusters/default/identity/identity.json
      chown -R plexd:plexd /var/lib/plexd/clusters
    }
    echo "$2" >"$active"
    ;;
  disable) rm -f "$active" ;;
  list-units) [ ! -e "$active" ] || echo "$(cat "$active") loaded active running plexd" ;;
  is-active) [ -e "$active" ] ;;
esac
`;
}

/** What of plexd this machine may have is not there, in there. */
const FORGET_PLEXD = `rm -rf /etc/plexd /var/lib/plexd /usr/local/bin/plexd* \\
  /usr/local/lib/plexd /etc/systemd/system/plexd*
for name in plexd plexd-secrets; do
  ! getent passwd $name >/dev/null || userdel $name
  ! getent group $name >/dev/null || groupdel $name
done`;

/**
 * @param withSystemd Whether systemd seems to run this machine.
 * @returns undefined where such a root cannot be made; never where CI is "true".
 */
export async function cleanRoot(
  { withSystemd = true }: { readonly withSystemd?: boolean } = {},
): Promise<CleanRoot | undefined> {
  const shared = await Deno.makeTempDir({ prefix: "plexd-root-" });
  // The agent's user has to reach programs in there.
  await Deno.chmod(shared, 0o755);
  const [bin, layers] = [`${shared}/bin`, `${shared}/layers`];
  await Deno.mkdir(bin);
  await Deno.mkdir(layers);
  if (withSystemd) {
    await Deno.writeTextFile(`${bin}/systemctl`, fakeSystemctl(shared), {
      mode: 0o755,
    });
  }
  // Layers need a file system that takes them, which an image's need not be.
  const mounted = await run(["mount", "-t", "tmpfs", "tmpfs", layers]);
  const root: CleanRoot = {
    shared,
    sh: (script, { env = {} } = {}) =>
      run(["unshare", "-m", "sh", "-c", setUp(layers, withSystemd), script], {
        env: { PATH: `${bin}:${Deno.env.get("PATH")}`, ...env },
      }),
    systemctlCalls() {
      try {
        const log = Deno.readTextFileSync(`${shared}/systemctl.log`);
        return log.trimEnd().split("\n");
      } catch {
        return [];
      }
    },
    async [Symbol.asyncDispose]() {
      await run(["umount", layers]);
      await Deno.remove(shared, { recursive: true });
    },
  };
  const { code, stderr } = mounted.code === 0
    ? await root.sh(FORGET_PLEXD)
    : mounted;
  if (code === 0) return root;
  await root[Symbol.asyncDispose]();
  const why = `a root of its own needs mounts: ${stderr.trim()}`;
  assert.notEqual(Deno.env.get("CI"), "true", why);
  // deno-lint-ignore no-console
  console.log(`left out: ${why}`);
  return undefined;
}

/** Lays the layers over this machine's folders, then runs the script `$0`. */
function setUp(layers: string, withSystemd: boolean): string {
  return [
    "set -e",
    ...LAYERED.map((path) => {
      const layer = `${layers}${path.replaceAll("/", "-")}`;
      const options =
        `lowerdir=${path},upperdir=${layer}/up,workdir=${layer}/work`;
      return `mkdir -p ${layer}/up ${layer}/work\n` +
        `mount -t overlay overlay -o ${options} ${path}`;
    }),
    "mount -t tmpfs -o mode=755 tmpfs /run",
    ...(withSystemd ? ["mkdir -p /run/systemd/system"] : []),
    'exec sh -c "$0"',
  ].join("\n");
}
