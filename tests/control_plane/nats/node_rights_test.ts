import assert from "node:assert/strict";
import { AckPolicy } from "@nats-io/jetstream";
import { eventSubject } from "../../../src/wire/carrier_credentials.ts";
import { hasNatsServer } from "../../fakes/nats_server.ts";
import { eventually } from "../../scenarios/eventually.ts";
import type { TestNode } from "../running_plane.ts";
import { BusNode, BusWorld } from "./bus_world.ts";

const ignore = !hasNatsServer();

const setMetadata = (node: TestNode, key: string) =>
  node.admin("PUT", `/metadata/${key}`, { value: "1" });

Deno.test({
  name: "each node reads its own events from the bus, and no others",
  ignore,
  async fn() {
    await using world = await BusWorld.start();
    const a = await world.plane.join();
    const b = await world.plane.join();
    await using busA = await BusNode.of(a);
    await using busB = await BusNode.of(b);
    await setMetadata(a, "of-a");
    await setMetadata(b, "of-b");
    const [ofA, ofB] = [await busA.fetch(1), await busB.fetch(1)];
    assert.equal(ofA[0]!.subject, eventSubject(a.domainId, a.id));
    assert.equal(ofA[0]!.event, "node_state_updated");
    assert.match(ofA.map(({ data }) => data).join(), /of-a/);
    assert.doesNotMatch(ofA.map(({ data }) => data).join(), /of-b/);
    assert.match(ofB.map(({ data }) => data).join(), /of-b/);
    assert.doesNotMatch(ofB.map(({ data }) => data).join(), /of-a/);
  },
});

Deno.test({
  name: "a node can do nothing else on the bus",
  ignore,
  async fn(t) {
    await using world = await BusWorld.start();
    const a = await world.plane.join();
    const b = await world.plane.join();
    await using busA = await BusNode.of(a);
    await using busB = await BusNode.of(b);
    const { stream, consumer, inbox_prefix } = busB.credentials;
    const refused = async (verb: "Publish" | "Subscription", to: string) => {
      const what = `${verb} to "${to}"`;
      await busA.connection.flush();
      await eventually(`${what} is refused`, () => {
        const found = busA.refusals.some((text) =>
          /permissions violation/i.test(text) && text.includes(what)
        );
        return found || undefined;
      });
    };
    const subjects = [
      ">",
      "plexd.>",
      eventSubject(b.domainId, b.id),
      eventSubject(a.domainId, a.id),
      "$SYS.>",
      "$JS.>",
      "$JS.EVENT.ADVISORY.>",
      "_INBOX.>",
      `${inbox_prefix}.>`,
    ];
    for (const subject of subjects) {
      await t.step(`it cannot subscribe to ${subject}`, async () => {
        busA.connection.subscribe(subject);
        await refused("Subscription", subject);
      });
    }
    const targets = [
      eventSubject(b.domainId, b.id),
      eventSubject(a.domainId, a.id),
      "$SYS.REQ.SERVER.PING",
      "$JS.API.INFO",
      "$JS.API.STREAM.LIST",
      `$JS.API.STREAM.INFO.${stream}`,
      `$JS.API.STREAM.PURGE.${stream}`,
      `$JS.API.STREAM.DELETE.${stream}`,
      `$JS.API.STREAM.MSG.GET.${stream}`,
      `$JS.API.DIRECT.GET.${stream}`,
      `$JS.API.CONSUMER.LIST.${stream}`,
      `$JS.API.CONSUMER.INFO.${stream}.${consumer}`,
      `$JS.API.CONSUMER.DELETE.${stream}.${consumer}`,
      `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`,
      `$JS.ACK.${stream}.${consumer}.1.1.1.1.1`,
      `${inbox_prefix}.x`,
    ];
    for (const subject of targets) {
      await t.step(`it cannot publish to ${subject}`, async () => {
        busA.connection.publish(subject, "{}");
        await refused("Publish", subject);
      });
    }
    await t.step("it cannot make a consumer", async () => {
      const manager = await busA.manager();
      await assert.rejects(manager.consumers.add(stream, {
        durable_name: "mine",
        ack_policy: AckPolicy.None,
      }));
    });
    await t.step("it cannot publish more than a request needs", () => {
      assert.equal(busA.connection.info?.max_payload, 4_096);
    });
    await t.step("and the other one still gets what is its own", async () => {
      await setMetadata(b, "still");
      assert.match((await busB.fetch(1))[0]!.data, /still/);
    });
  },
});
