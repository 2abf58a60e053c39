import { createHash } from "node:crypto";
import { RELEASE_KEYS } from "../../src/host/release_keys.ts";
import { packFolder } from "./archive.ts";
import { buildPlexd } from "./build.ts";
import { BuildError } from "./build_error.ts";
import { fillScript } from "./fill_script.ts";
import { DIST, ROOT } from "./places.ts";
import type { ReleaseKey } from "./release_key.ts";
import { releaseTree } from "./release_tree.ts";
import { mebibytes, type Say } from "./say.ts";
import type { Target } from "./target.ts";

/** Options for {@linkcode makeRelease}. */
export interface ReleaseOptions {
  readonly targets: readonly Target[];
  readonly key: ReleaseKey;
  /** Where it will be served, for install.sh. */
  readonly baseUrl: string | undefined;
  /** Another base runtime than Deno's own will do. */
  readonly anyBase: boolean;
}

/**
 * Makes what a server of releases holds, below `dist/release/`.
 *
 * @throws {BuildError}
 */
export async function makeRelease(
  { targets, key, baseUrl, anyBase }: ReleaseOptions,
  say: Say,
): Promise<void> {
  const folder = `${DIST}/release`;
  await Deno.mkdir(DIST, { recursive: true });
  const work = await Deno.makeTempDir({ dir: DIST, prefix: "release-" });
  try {
    const sums: string[] = [];
    let version = "";
    for (const target of targets) {
      const program = `${work}/${target.arch}`;
      const built = await buildPlexd(target, program, say, {
        release: true,
        anyBase,
      });
      version = built.version;
      const name = `plexd-${version}-linux-${target.arch}`;
      await Deno.mkdir(`${work}/${name}`);
      await Deno.rename(program, `${work}/${name}/plexd`);
      const date = new Date(built.epochSeconds * 1000).toISOString();
      await releaseTree(`${work}/${name}`, {
        version,
        date: date.slice(0, 10),
      });
      await Deno.mkdir(`${work}/out/${version}`, { recursive: true });
      const archive = `${work}/out/${version}/${name}.tar`;
      await packFolder(work, name, archive, built.epochSeconds);
      const bytes = await Deno.readFile(`${archive}.gz`);
      say(`${name}.tar.gz: ${mebibytes(bytes.length)}`);
      const sum = createHash("sha256").update(bytes).digest("hex");
      sums.push(`${sum}  ${name}.tar.gz\n`);
    }
    const list = new TextEncoder().encode(sums.join(""));
    await Deno.writeFile(`${work}/out/${version}/SHA256SUMS`, list);
    await Deno.writeFile(
      `${work}/out/${version}/SHA256SUMS.sig`,
      key.sign(list),
    );
    await Deno.writeTextFile(`${work}/out/latest`, `${version}\n`);
    const script = await Deno.readTextFile(`${ROOT}/install.sh`);
    await Deno.writeTextFile(
      `${work}/out/install.sh`,
      fillScript(script, { publicKey: key.publicKey, baseUrl }),
      { mode: 0o755 },
    );
    await Deno.remove(folder, { recursive: true }).catch(ignoreMissing);
    await Deno.rename(`${work}/out`, folder);
  } finally {
    await Deno.remove(work, { recursive: true });
  }
  if (!knows(key)) {
    say(
      "note: src/host/release_keys.ts does not name this key, so the program",
    );
    say("  upgrades only with --key FILE");
  }
  say(`${folder}: serve it as it is`);
}

/** Whether the program itself trusts the key. */
function knows({ publicKey }: ReleaseKey): boolean {
  return RELEASE_KEYS.includes(publicKey);
}

function ignoreMissing(error: unknown): void {
  if (error instanceof Deno.errors.NotFound) return;
  throw new BuildError(
    `${DIST}/release cannot be replaced`,
    "remove it, then run this again",
    error,
  );
}
