import { systemDisk } from "../../src/store/disk.ts";
import { changeTo } from "../../src/sync/pulled_state.ts";
import { contentParser } from "../../src/wire/content_parser.ts";
import { encodeSnapshot } from "../../src/wire/signed_snapshot.ts";
import { signedSnapshot } from "../../tests/trust/snapshots.ts";
import { openBenchStore } from "./open_bench_store.ts";
import { dataEntry } from "./prepare.ts";
import { print } from "./print.ts";

/**
 * One measurement of the store, without HTTP and without an agent.
 *
 * Arguments: which one, data folder, a number. Prints a number, or two.
 */
const WORK: Readonly<
  Record<string, (folder: string, number: number) => Promise<number[]>>
> = {
  /** Fills a store with so many entries, synced by nobody. */
  async fill(folder, entries) {
    // Nothing of this has to outlive a power cut.
    const store = await openBenchStore(folder, {
      ...systemDisk,
      createNow: (path, bytes) =>
        Deno.writeFileSync(path, bytes, { createNew: true, mode: 0o600 }),
      create: (path, bytes) =>
        Deno.writeFile(path, bytes, { createNew: true, mode: 0o600 }),
    });
    await store.state.update(() => ({ ...entriesOf(entries), complete: true }));
    await store.close();
    return [0];
  },
  /** Reports written one after another for so many ms. @returns how many a second. */
  async put(folder, ms) {
    await using store = await openBenchStore(folder);
    const payload = `"${"x".repeat(1_024 - 210)}"`;
    const put = (at: number) =>
      store.reports.put(`bench-${at % 64}`, {
        contentType: "application/json",
        payload,
      });
    for (let at = 0; at < 64; at++) await put(at);
    let written = 0;
    const started = performance.now();
    while (performance.now() - started < ms) await put(written++);
    return [written / (performance.now() - started) * 1_000];
  },
  /** @returns ms until all is checked and in memory. */
  async open(folder) {
    const started = performance.now();
    const store = await openBenchStore(folder);
    const took = performance.now() - started;
    if (store.state.view.data.size === 0) throw new Error("nothing is there");
    await store.close();
    return [took];
  },
  /** @returns ms of reading every file of the membership. */
  read(folder) {
    const started = performance.now();
    readAll(folder);
    return Promise.resolve([performance.now() - started]);
  },
  /** One entry of so many changes. @returns ms, and files that are written. */
  async change(folder, entries) {
    let files = 0;
    await using store = await openBenchStore(folder, {
      ...systemDisk,
      rename(from, to) {
        files++;
        systemDisk.rename(from, to);
      },
    });
    const rounds = 20;
    const { data } = entriesOf(entries);
    let took = 0;
    for (let round = 0; round < rounds; round++) {
      data[round] = dataEntry(round, 2);
      const started = performance.now();
      await store.state.update(() => ({ data: [...data] }));
      took += performance.now() - started;
    }
    return [took / rounds, files / rounds];
  },
  /** A snapshot with so many new entries. @returns ms until all is durable. */
  async activate(folder, entries) {
    await using store = await openBenchStore(folder);
    const content = JSON.stringify({
      peers: [],
      policies: [],
      metadata: {},
      data: entriesOf(entries).data.map((entry) => ({
        key: entry.key,
        content_type: entry.contentType,
        payload: JSON.parse(entry.payload),
        version: entry.version,
        updated_at: entry.updatedAt,
      })),
    });
    const snapshot = signedSnapshot({ epoch: 1, version: 1, content });
    const { epoch, version, contentSha256 } = snapshot;
    const started = performance.now();
    await store.snapshots.stage(encodeSnapshot(snapshot));
    const desired = contentParser(1)(snapshot.content);
    await store.snapshots.activate({
      epoch,
      version,
      contentSha256,
      issuedAtMs: Date.parse(snapshot.issuedAt),
      expiresAtMs: Date.parse(snapshot.expiresAt),
    });
    await store.state.update(() =>
      changeTo({ ...desired, position: { epoch, version } }, Date.now())
    );
    const took = performance.now() - started;
    if (store.state.view.data.size !== entries) {
      throw new Error("some are left");
    }
    return [took];
  },
  /** So many files made side by side. @returns ms until all are durable. */
  async make(folder, files) {
    const bytes = new TextEncoder().encode(dataEntry(0).payload.padEnd(400));
    Deno.mkdirSync(`${folder}/new`);
    using names = Deno.openSync(`${folder}/new`);
    let next = 0;
    const one = async () => {
      while (next < files) {
        const at = next++;
        await systemDisk.create(`${folder}/${at}.tmp`, bytes);
        systemDisk.rename(`${folder}/${at}.tmp`, `${folder}/new/${at}`);
      }
    };
    const started = performance.now();
    await Promise.all(Array.from({ length: 32 }, one));
    await names.sync();
    return [performance.now() - started];
  },
};

function entriesOf(count: number) {
  return { data: Array.from({ length: count }, (_, at) => dataEntry(at)) };
}

function readAll(folder: string) {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) readAll(path);
    else Deno.readFileSync(path);
  }
}

const [what = "", folder = "", number = "0"] = Deno.args;
const measured = await WORK[what]!(folder, Number(number));
print(measured.join(" "));
