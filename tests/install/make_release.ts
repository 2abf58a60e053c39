import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { fileURLToPath } from "node:url";

/** Paths of this source tree. */
export const TREE = fileURLToPath(new URL("../../", import.meta.url));

/** A key that signs releases of a test. */
export interface ReleaseKey {
  /** The public half, as in a PEM file. */
  readonly pem: string;
  signs(text: string): Uint8Array<ArrayBuffer>;
}

export function makeReleaseKey(): ReleaseKey {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  return {
    pem: publicKey.export({ type: "spki", format: "pem" }).toString(),
    signs: (text) =>
      new Uint8Array(sign(null, new TextEncoder().encode(text), privateKey)),
  };
}

/** Options for {@linkcode makeRelease}. */
export interface ReleaseOptions {
  /** Folder that a server serves; the release goes into a folder of it. */
  readonly folder: string;
  readonly version: string;
  readonly key: ReleaseKey;
  /**
   * The program in it. @default a script that says this version, and hands
   * everything else to plexd from source
   */
  readonly program?: string;
  /** How the signature is published. @default {"base64"} */
  readonly signature?: "base64" | "raw";
}

/** What releases call the architecture of this machine. */
export const ARCH = Deno.build.arch === "aarch64" ? "arm64" : "amd64";

/** Makes a release as it is published, and calls it the latest. */
export async function makeRelease(options: ReleaseOptions): Promise<void> {
  const { folder, version, key, signature = "base64" } = options;
  const name = `plexd-${version}-linux-${ARCH}`;
  const staging = await Deno.makeTempDir({ dir: folder });
  const inside = `${staging}/${name}`;
  for (const part of ["systemd", "sysusers.d", "tmpfiles.d"]) {
    await Deno.mkdir(`${inside}/${part}`, { recursive: true });
    for await (const { name } of Deno.readDir(`${TREE}packaging/${part}`)) {
      await Deno.copyFile(
        `${TREE}packaging/${part}/${name}`,
        `${inside}/${part}/${name}`,
      );
    }
  }
  await Deno.copyFile(`${TREE}LICENSE`, `${inside}/LICENSE`);
  if (options.program === undefined) {
    await Deno.writeTextFile(`${inside}/plexd`, standIn(version));
  } else await Deno.copyFile(options.program, `${inside}/plexd`);
  await Deno.chmod(`${inside}/plexd`, 0o755);
  const published = `${folder}/${version}`;
  await Deno.mkdir(published);
  const archive = `${published}/${name}.tar.gz`;
  const tar = new Deno.Command("tar", {
    // The least effort: a compiled program is large.
    args: [
      "--use-compress-program=gzip -1",
      "-cf",
      archive,
      "-C",
      staging,
      name,
    ],
  });
  if (!(await tar.output()).success) throw new Error("tar failed");
  const bytes = await Deno.readFile(archive);
  const sum = createHash("sha256").update(bytes).digest("hex");
  // A name that only contains the one that is looked for comes first.
  const sums = `${
    "0".repeat(64)
  }  old-${name}.tar.gz\n${sum}  ${name}.tar.gz\n`;
  const signed = key.signs(sums);
  await Deno.writeTextFile(`${published}/SHA256SUMS`, sums);
  await Deno.writeFile(
    `${published}/SHA256SUMS.sig`,
    signature === "raw"
      ? signed
      : new TextEncoder().encode(signed.toBase64() + "\n"),
  );
  await Deno.writeTextFile(`${folder}/latest`, `${version}\n`);
  await Deno.remove(staging, { recursive: true });
}

function standIn(version: string): string {
  return [
    "#!/bin/sh",
    "# Stands in for the compiled program.",
    "case ${1-} in",
    `  --version) echo 'plexd version ${version}' ;;`,
    `  *) exec '${Deno.execPath()}' run -A --no-prompt --quiet '${TREE}main.ts' "$@" ;;`,
    "esac",
    "",
  ].join("\n");
}
