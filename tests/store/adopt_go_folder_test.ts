import assert from "node:assert/strict";
import { adoptGoFolder } from "../../src/store/adopt_go_folder.ts";
import { GoFolderError } from "../../src/store/go_folder.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { filesBelow, fillStore } from "./full_store.ts";
import { goFolder, pair, SIGNING_KEY } from "./go_folder.ts";
import { inFolder, openStore } from "./open_store.ts";

async function adopt(dataDir: string) {
  const { store } = await openStore(dataDir);
  try {
    return await adoptGoFolder(store, {
      dataDir,
      controlPlane: "https://control.example",
      clock: new FakeClock(),
    });
  } finally {
    await store.close();
  }
}

/** What lies directly in the data folder, the membership aside. */
function originals(dataDir: string) {
  return new Map(
    [...filesBelow(dataDir)].filter(([file]) =>
      !file.startsWith("clusters/") && !file.startsWith("agent/")
    ),
  );
}

Deno.test("a Go agent's data folder is adopted, its files stay as they are", () =>
  inFolder(async (dataDir) => {
    goFolder(dataDir);
    const before = originals(dataDir);
    assert.equal(await adopt(dataDir), "node-go");
    assert.deepEqual(originals(dataDir), before);

    const { store, recovered } = await openStore(dataDir);
    assert.deepEqual(recovered, []);
    const identity = await store.identity.load();
    assert.ok(identity);
    const { enrolledAt, ...rest } = identity;
    assert.ok(Date.parse(enrolledAt) > 0);
    assert.deepEqual(rest, {
      nodeId: "node-go",
      meshIp: "10.9.0.1",
      dialect: 1,
      controlPlane: "https://control.example",
      publicKey: pair.publicKey,
      privateKey: pair.privateKey,
      nodeSecretKey: "the-node-secret-key",
      // The file wins over the copy beside the identity.
      signingPublicKey: SIGNING_KEY,
    });
    const { metadata, data, secretRefs, complete } = store.state.view;
    assert.deepEqual([...metadata], [["zone", "a"]]);
    assert.deepEqual(secretRefs, [{ key: "password", version: 3 }]);
    assert.equal(data.get("app/config")?.version, 7);
    assert.equal(data.get("app/config")?.payload, `{\n    "n": 1.0\n  }`);
    assert.equal(complete, false);
    assert.equal(store.reports.get("disk")?.version, 7);
    assert.equal(store.reports.view.entries.size, 1);
    await store.close();

    for (const [file, bytes] of filesBelow(`${dataDir}/clusters`)) {
      const text = new TextDecoder().decode(bytes);
      assert.ok(!text.includes("the-node-secret-key"), file);
      assert.ok(!text.includes(pair.privateKey.toBase64()), file);
    }
  }));

Deno.test("a Go agent's data are adopted once, and never over an identity", () =>
  inFolder(async (dataDir) => {
    goFolder(dataDir);
    assert.equal(await adopt(dataDir), "node-go");
    assert.equal(await adopt(dataDir), undefined);
    const { store } = await openStore(dataDir);
    await store.forgetNode();
    await store.close();
    assert.equal(await adopt(dataDir), undefined);
    // Not even when all of the membership is gone.
    Deno.removeSync(`${dataDir}/clusters`, { recursive: true });
    assert.equal(await adopt(dataDir), undefined);
  }));

Deno.test("a node that has joined does not become the former one when it leaves", () =>
  inFolder(async (dataDir) => {
    await fillStore(dataDir);
    goFolder(dataDir);
    assert.equal(await adopt(dataDir), undefined);
    const { store } = await openStore(dataDir);
    await store.forgetNode();
    await store.close();
    assert.equal(await adopt(dataDir), undefined);
  }));

Deno.test("a crash before the identity is stored means that all is adopted again", () =>
  inFolder(async (dataDir) => {
    goFolder(dataDir);
    await adopt(dataDir);
    Deno.removeSync(`${dataDir}/agent/adopted.json`);
    const identity = `${dataDir}/clusters/default/identity`;
    for (const { name } of [...Deno.readDirSync(identity)]) {
      Deno.removeSync(`${identity}/${name}`);
    }
    assert.equal(await adopt(dataDir), "node-go");
  }));

Deno.test("a later agent's signing key id means dialect 2", () =>
  inFolder(async (dataDir) => {
    const identity = JSON.stringify({
      node_id: "node-go",
      mesh_ip: "10.9.0.1",
      signing_public_key: SIGNING_KEY,
      signing_key_id: "key-1",
      domain_mesh_cidr: "10.9.0.0/16",
    });
    goFolder(dataDir, {
      "identity.json": identity,
      "signing_public_key": undefined,
    });
    await adopt(dataDir);
    const { store } = await openStore(dataDir);
    const adopted = await store.identity.load();
    assert.equal(adopted?.dialect, 2);
    assert.equal(adopted?.signingKeyId, "key-1");
    assert.equal(adopted?.signingPublicKey, SIGNING_KEY);
    await store.close();
  }));

const damages: [string, string | undefined, RegExp][] = [
  ["identity.json", "{", /identity\.json: /],
  ["identity.json", `{"node_id":" ","mesh_ip":"10.0.0.1"}`, /node_id/],
  ["private_key", undefined, /private_key: it is missing/],
  ["private_key", "AAAA", /private_key: it is not base64 of 32 bytes/],
  ["node_secret_key", " \n", /node_secret_key: it is empty/],
  ["signing_public_key", "AAAA", /signing_public_key: /],
  ["state/metadata.json", "[]", /state\/metadata\.json: /],
  ["state/data/app%2Fconfig.json", "{}", /state\/data\/app%2Fconfig\.json: /],
  ["state/report/disk.json", "{", /state\/report\/disk\.json: /],
];

for (const [file, text, why] of damages) {
  Deno.test(`adoption stops at ${file} ${text === undefined ? "missing" : `of ${JSON.stringify(text)}`}, says why, and leaves no identity`, () =>
    inFolder(async (dataDir) => {
      goFolder(dataDir, { [file]: text });
      await assert.rejects(adopt(dataDir), (error: Error) => {
        assert.ok(error instanceof GoFolderError);
        assert.match(error.message, /move .*identity\.json away and join anew/);
        return why.test(error.message);
      });
      const { store } = await openStore(dataDir);
      assert.equal(await store.identity.load(), undefined);
      assert.equal(store.reports.view.entries.size, 0);
      await store.close();
    }));
}
