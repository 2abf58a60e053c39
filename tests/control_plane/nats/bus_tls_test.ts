import assert from "node:assert/strict";
import { hasNatsServer, NatsServer } from "../../fakes/nats_server.ts";
import {
  CAN_MAKE_CERTIFICATES,
  withCertificates,
} from "../../uplink/certificates.ts";
import { BusWorld } from "./bus_world.ts";

const ignore = !CAN_MAKE_CERTIFICATES || !hasNatsServer();

// Deno 2.7 makes no TLS out of an open connection, and says so.
const isAble = !Deno.version.deno.startsWith("2.7.");

Deno.test({
  name:
    "a bus with TLS is trusted by the authority that is named, and no other",
  ignore,
  async fn() {
    await withCertificates(async ({ ca, server }) => {
      const nats = new NatsServer();
      const servers = [`tls://localhost:${nats.port}`];
      await using world = await BusWorld.at(nats, { servers, ca });
      await Deno.writeTextFile(`${nats.folder}/cert.pem`, server.cert);
      await Deno.writeTextFile(`${nats.folder}/key.pem`, server.key);
      await nats.start(
        await world.config() +
          `tls { cert_file: "${nats.folder}/cert.pem", ` +
          `key_file: "${nats.folder}/key.pem" }`,
      );
      if (isAble) await world.connected();
      else await world.refused();
      await using stranger = await BusWorld.at(new NatsServer(), { servers });
      await stranger.refused();
      assert.match(
        stranger.plane.log.text,
        /UNABLE_TO_VERIFY|certificate|issuer|ECONNRESET/i,
      );
    });
  },
});

Deno.test({
  name: "a bus that is to have TLS is not used without",
  ignore,
  async fn() {
    const nats = new NatsServer();
    const servers = [`tls://localhost:${nats.port}`];
    await using world = await BusWorld.at(nats, { servers });
    await nats.start("jetstream: enabled");
    await world.refused();
    assert.match(world.plane.log.text, /tls/i);
  },
});
