import { systemClock } from "../../src/platform/clock.ts";
import { createLogger, formatJsonLine } from "../../src/platform/log.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { type Membership, openMembership } from "../../src/store/membership.ts";
import { sealKeyFrom } from "../../src/store/seal_key.ts";
import { Dispatcher } from "../../src/sync/dispatcher.ts";
import { nodeStateHandler } from "../../src/sync/node_state_handler.ts";
import { Keyring } from "../../src/trust/keyring.ts";
import { ReplayWindow } from "../../src/trust/replay_window.ts";
import { eventReader } from "../../src/trust/event_reader.ts";
import { EventStream, type OpenEvents } from "../../src/uplink/event_stream.ts";

/** The way of events through the agent, put together as the agent does it. */
export interface EventReceiver {
  readonly store: Membership;
  readonly dispatcher: Dispatcher;
  /** Reads a stream to its end; resolves when all of it is durable. */
  receive(open: OpenEvents): Promise<void>;
}

/** Opens a membership in `folder` that trusts `publicKey`. */
export async function openReceiver(
  folder: string,
  publicKey: string,
): Promise<EventReceiver> {
  // At the level that is the default, with every line made and written.
  const file = Deno.openSync("/dev/null", { write: true });
  const encoder = new TextEncoder();
  const log = createLogger({
    clock: systemClock,
    format: formatJsonLine,
    write: (line) => void file.writeSync(encoder.encode(line)),
  });
  const io = { clock: systemClock, random: systemRandom, log };
  const store = await openMembership({
    dataDir: folder,
    cluster: "default",
    seal: await sealKeyFrom(new Uint8Array(32), "file"),
    ...io,
  });
  await store.state.update(() => ({
    position: { epoch: 1, version: 1 },
    complete: true,
  }));
  const pull = (reason: string) => {
    throw new Error(`nothing should ask for a pull: ${reason}`);
  };
  const dispatcher = new Dispatcher({
    reader: eventReader(1, {
      keyring: new Keyring({
        current: publicKey,
        retired: [],
        signedChange: false,
      }),
      replayWindow: new ReplayWindow(store.events.nonces()),
      clock: systemClock,
    }),
    ledger: store.events,
    handlers: new Map([["node_state_updated", [
      nodeStateHandler({
        state: store.state,
        nodeId: "bench",
        lastIssuedMs: (type) => store.events.lastIssuedMs(type),
        pull,
        clock: systemClock,
      }),
    ]]]),
    pull,
    clock: systemClock,
    log,
  });
  return {
    store,
    dispatcher,
    async receive(open) {
      const stream = await EventStream.open(
        {
          open,
          sink: dispatcher,
          clock: systemClock,
          idleTimeoutMs: 90_000,
          maxEventBytes: 4 * 1024 * 1024,
          onRetry() {},
          onSkipped() {},
        },
        undefined,
        new AbortController().signal,
      );
      await stream.read();
      await dispatcher.drain();
    },
  };
}
