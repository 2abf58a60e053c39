import assert from "node:assert/strict";
import { parseShape } from "../../src/wire/shape_error.ts";
import { eventsSchema } from "../../src/wire/transitions.ts";
import { eventually } from "./eventually.ts";
import { Stage } from "./stage.ts";

async function events(stage: Stage): Promise<readonly string[]> {
  const text = await stage.read("/v1/events");
  const { events } = parseShape("events", eventsSchema, text);
  return events.map(({ type, reason }) =>
    type === "degraded" || type === "restored" || type === "recovered"
      ? `${type} ${reason?.split(":")[0]}`
      : type
  );
}

for (const dialect of [1, 2] as const) {
  Deno.test(`the agent can say what happened to it, over crashes and repairs, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane();
    await stage.leaveToken();
    await stage.startAgent();
    const until = (what: string, wanted: readonly string[]) =>
      eventually(what, async () => {
        const all = await events(stage);
        const missing = wanted.filter((one) => !all.includes(one));
        return missing.length === 0 ? all : undefined;
      });
    const [first, ...rest] = await until("it is connected", ["connect"]);
    const { identity } = await stage.status();
    assert.equal(first, "start");
    assert.deepEqual(rest.filter((one) => one === "connect"), ["connect"]);

    await stage.stopControlPlane();
    await until("it has noticed", [
      "disconnect",
      "degraded control_plane_unreachable",
    ]);
    await stage.startControlPlane();
    const back = await until("it is back", [
      "reconnect",
      "restored control_plane_unreachable",
    ]);

    await stage.killAgent();
    const cluster = `${stage.dataDir}/clusters/default`;
    await Deno.writeTextFile(`${cluster}/state/data/torn.json`, "{");
    await stage.startAgent();
    const again = await eventually("it is connected again", async () => {
      const all = await events(stage);
      const isUp = all.lastIndexOf("connect") > all.lastIndexOf("start");
      return isUp ? all : undefined;
    });
    assert.ok(again.includes("recovered state/data/torn.json"));
    const starts = again.filter((one) => one === "start");
    assert.equal(starts.length, 2);
    assert.ok(!again.includes("stop"));
    assert.deepEqual(again.slice(0, 2), back.slice(0, 2));

    await stage.stopAgent();
    await stage.startAgent();
    const last = await until("it runs again", ["stop"]);
    const at = last.indexOf("stop");
    assert.ok(last.indexOf("closed") > last.lastIndexOf("connect", at));
    assert.ok(last.indexOf("closed") < at);
    assert.equal(last[at + 1], "start");

    // The control plane has announced that it takes this in heartbeats.
    const { node_id, identity: after } = await stage.status();
    const told = await eventually("the repair goes upstream", async () => {
      const body = await stage.admin.text("GET", `/nodes/${node_id}`);
      return body.includes("torn.json") ? body : undefined;
    });
    assert.match(
      told,
      /"agent":\{"status":"[a-z]+",.*"recoveries":\{"count":1,/,
    );
    const report = await stage.local("/v1/state/report/plexd.health");
    assert.equal(report.status, 404);
    // It has said at the join what people call the two, too.
    const { node_name, domain_name } = after;
    assert.deepEqual([node_name, domain_name], [stage.nodeName, "default"]);
    assert.equal(identity.node_name, node_name);
  });
}
