import assert from "node:assert/strict";
import { LocalFanOut } from "../../../src/control_plane/event_fan_out.ts";
import { EventSigner } from "../../../src/control_plane/event_signer.ts";
import { ProblemError } from "../../../src/control_plane/http/problem.ts";
import { openMessageBus } from "../../../src/control_plane/nats/message_bus.ts";
import { openSqliteStorage } from "../../../src/control_plane/sqlite_storage.ts";
import type {
  Node,
  Storage,
} from "../../../src/control_plane/storage/storage.ts";
import { Vault } from "../../../src/control_plane/vault.ts";
import { systemRandom } from "../../../src/platform/random.ts";
import { FakeClock, settle } from "../../fakes/fake_clock.ts";
import { MemoryLog } from "../../fakes/memory_log.ts";
import { BUS_AWAY } from "../running_plane.ts";

const NODE = { id: "n", domainId: "d", dialect: 1, hostname: "h" } as Node;

Deno.test("credentials wait until all of what was taken from their node is gone", async () => {
  const folder = await Deno.makeTempDir({ prefix: "plexd-leaving-" });
  const stored = openSqliteStorage(`${folder}/db`);
  try {
    const gates: (() => void)[] = [];
    let isGated = false;
    let reads = 0;
    const storage: Storage = {
      read: (work) => {
        reads++;
        return stored.read(work);
      },
      async write(work) {
        if (isGated) await new Promise<void>((open) => gates.push(open));
        return await stored.write(work);
      },
      close() {},
    };
    const io = {
      clock: new FakeClock(),
      random: systemRandom,
      log: new MemoryLog(),
    };
    const vault = await Vault.open(`${folder}/key`, true, io.random);
    const signer = new EventSigner({ storage, vault, io });
    const fanOut = new LocalFanOut();
    const services = { storage, vault, signer, fanOut, epoch: 1, io };
    const bus = await openMessageBus(BUS_AWAY, services);

    isGated = true;
    reads = 0;
    bus.forget(NODE.id);
    bus.forget(NODE.id);
    await settle();
    gates.shift()!();
    await settle();
    const refused = assert.rejects(
      bus.credentialsFor(NODE),
      (error) =>
        error instanceof ProblemError &&
        error.code === "message_bus_unavailable",
    );
    await settle();
    assert.equal(reads, 0, "the second removal would take the new consumer");
    gates.shift()!();
    await refused;
    assert.ok(reads > 0);
  } finally {
    stored.close();
    await Deno.remove(folder, { recursive: true });
  }
});
