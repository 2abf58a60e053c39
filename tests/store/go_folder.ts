import { createNodeKeyPair } from "../../src/trust/node_keys.ts";

export const SIGNING_KEY = new Uint8Array(32).fill(3).toBase64();
const OTHER_KEY = new Uint8Array(32).fill(4).toBase64();
export const pair = await createNodeKeyPair();

const ENTRY = `{
  "key": "app/config",
  "content_type": "application/json",
  "payload": {
    "n": 1.0
  },
  "version": 7,
  "updated_at": "2026-02-01T00:00:00Z"
}`;

/** A data folder as the Go agent leaves it. @see docs/wire.md, c.4 and f.9 */
export function goFolder(
  dataDir: string,
  changes: Readonly<Record<string, string | undefined>> = {},
): void {
  const files: Record<string, string | undefined> = {
    "identity.json": JSON.stringify(
      {
        node_id: "node-go",
        mesh_ip: "10.9.0.1",
        signing_public_key: OTHER_KEY,
      },
      undefined,
      2,
    ),
    "private_key": pair.privateKey.toBase64(),
    "node_secret_key": "the-node-secret-key\n",
    "signing_public_key": SIGNING_KEY,
    "checksums.json": "{}",
    "state/metadata.json": `{\n  "zone": "a"\n}`,
    "state/secrets.json": `[\n  {"key": "password", "version": 3}\n]`,
    "state/data/app%2Fconfig.json": ENTRY,
    "state/report/disk.json": ENTRY.replace("app/config", "disk"),
    "state/report/.tmp-disk.json": "half",
    ...changes,
  };
  for (const folder of ["state/data", "state/report"]) {
    Deno.mkdirSync(`${dataDir}/${folder}`, { recursive: true, mode: 0o700 });
  }
  for (const [file, text] of Object.entries(files)) {
    if (text === undefined) continue;
    Deno.writeTextFileSync(`${dataDir}/${file}`, text, { mode: 0o600 });
  }
}
