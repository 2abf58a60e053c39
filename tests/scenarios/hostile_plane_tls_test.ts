import assert from "node:assert/strict";
import {
  CAN_MAKE_CERTIFICATES,
  type Certificates,
  withCertificates,
} from "../uplink/certificates.ts";
import { CutWire } from "./cut_wire.ts";
import { ScriptedPlane } from "./scripted_plane.ts";
import {
  BOOTSTRAP_TOKEN,
  reasonsOf,
  served,
  stateDocument,
  statusTells,
} from "./siege.ts";
import { Stage } from "./stage.ts";

/** TLS in front of a server here. */
class TlsFront implements Disposable {
  readonly #target: number;
  readonly #open = new Set<{ close(): void }>();
  readonly #listener: Deno.TlsListener;
  /** Connections whose handshake the other end has finished. */
  trusted = 0;

  constructor(target: number, certificate: Certificates["server"]) {
    this.#target = target;
    this.#listener = Deno.listenTls({
      hostname: "127.0.0.1",
      port: 0,
      ...certificate,
    });
    void this.#serve();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const connection of this.#open) close(connection);
  }

  async #serve(): Promise<void> {
    for await (const here of this.#listener) void this.#connect(here);
  }

  async #connect(here: Deno.TlsConn): Promise<void> {
    this.#open.add(here);
    try {
      await here.handshake();
      this.trusted++;
      const there = await Deno.connect({
        hostname: "127.0.0.1",
        port: this.#target,
      });
      this.#open.add(there);
      await Promise.allSettled([
        here.readable.pipeTo(there.writable),
        there.readable.pipeTo(here.writable),
      ]);
      close(there);
      this.#open.delete(there);
    } catch {
      // The agent wants no such certificate.
    }
    close(here);
    this.#open.delete(here);
  }
}

function close(connection: { close(): void }) {
  try {
    connection.close();
  } catch (error) {
    // The other end was faster.
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

Deno.test({
  name:
    "a control plane whose certificate turns into another one hears nothing more, and that shows",
  ignore: !CAN_MAKE_CERTIFICATES,
  fn: () =>
    withCertificates((good) =>
      withCertificates(async (other) => {
        await using stage = await Stage.open();
        await using plane = new ScriptedPlane();
        plane.state = stateDocument();
        const behind = Number(new URL(plane.url).port);
        using trusted = new TlsFront(behind, good.server);
        using strange = new TlsFront(behind, other.server);
        const wire = new CutWire(trusted.port);
        using _end = { [Symbol.dispose]: () => wire.close() };
        const caFile = `${stage.folder}/ca.pem`;
        await Deno.writeTextFile(caFile, good.ca);
        const token = { mode: 0o600 };
        await Deno.writeTextFile(stage.tokenFile, BOOTSTRAP_TOKEN, token);
        const { pid } = await stage.startAgent({
          url: `https://127.0.0.1:${wire.port}`,
          settings: {
            api: {
              ca_file: caFile,
              request_timeout: "1s",
              connect_timeout: "1s",
            },
          },
        });
        await stage.statusWhen(
          "it streams",
          ({ stream, state }) =>
            stream.state === "streaming" && state.metadata === 1,
        );
        const verified = await served(stage);
        wire.target = strange.port;
        wire.cut();
        await stage.statusWhen(
          "the stream is down",
          ({ stream }) => stream.state !== "streaming",
        );
        const heard = plane.requests.length;
        // A fresh token must not go there either.
        await Deno.writeTextFile(stage.tokenFile, "plx_fresh", token);
        await statusTells(stage, {
          name: "the certificate",
          says: /invalid peer certificate/,
          reason: "control_plane_unreachable",
        });
        assert.deepEqual(await served(stage), verified);
        assert.equal(strange.trusted, 0);
        assert.equal(plane.requests.length, heard, "it was told something");
        assert.equal((await stage.run("why")).code, 1);

        wire.target = trusted.port;
        const after = await stage.statusWhen(
          "it is back",
          (status) =>
            status.stream.state === "streaming" &&
            reasonsOf(status).length === 0,
        );
        assert.equal(after.pid, pid);
        await stage.stopAgent();
      })
    ),
});
