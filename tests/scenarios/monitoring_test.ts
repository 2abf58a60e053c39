import assert from "node:assert/strict";
import { parseExposition } from "../node_api/metrics/exposition.ts";
import { PublishedApi } from "../node_api/openapi/published_api.ts";
import { eventually } from "./eventually.ts";
import { Stage } from "./stage.ts";

for (const dialect of [1, 2] as const) {
  Deno.test(`monitoring sees a node join, work, and outlive its control plane, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane();
    await stage.configure();
    await stage.spawnAgent();
    const before = await eventually("it answers", async () => {
      const { status, body } = await stage.local("/readyz");
      return status === 503 ? JSON.parse(body) : undefined;
    });
    assert.deepEqual(before.checks[0], {
      name: "identity",
      ok: false,
      reason: "not_enrolled",
    });
    assert.equal((await stage.local("/healthz")).status, 200);

    await stage.leaveToken();
    const { node_id } = await stage.statusWhen(
      "the node is enrolled and its stream is up",
      ({ stream }) => stream.state === "streaming",
    );
    await stage.admin.call("PUT", `/nodes/${node_id}/secrets/canary-name`, {
      value: "canary-value",
    });
    if (dialect === 2) await stage.learnSecret("canary-name");
    await stage.statusWhen(
      "the secret is known",
      ({ state }) => state.secrets === 1,
    );
    // The event may be here before the first pull, which makes it ready.
    await eventually("it is ready", async () => {
      const { status } = await stage.local("/readyz");
      return status === 200 || undefined;
    });
    const put = await stage.local("/v1/state/report/canary-report", {
      method: "PUT",
      body: '{"content_type":"a/b","payload":"canary"}',
    });
    assert.equal(put.status, 200, put.body);

    // Though it gives up the permission to look, as it runs no actions.
    const { resources } = await stage.statusWhen(
      "it has looked at its resources",
      ({ resources }) => resources !== null,
    );
    const { open = 0, limit = 0 } = resources?.descriptors ?? {};
    assert.ok(open > 0 && open < limit, `${open} of ${limit} descriptors`);

    const { body } = await stage.local("/metrics");
    assert.ok(!body.includes("canary"));
    const families = parseExposition(body);
    const sum = (name: string, suffix = "") =>
      families.get(name)?.samples.filter((sample) =>
        sample.name === name + suffix
      ).reduce((sum, { value }) => sum + value, 0);
    assert.equal(sum("plexd_stream_state"), 1);
    assert.equal(sum("plexd_degraded"), 0);
    assert.ok(sum("plexd_store_write_duration_seconds", "_count")! > 5);
    assert.ok(sum("plexd_store_written_bytes_total")! > 1_000);
    assert.equal(sum("plexd_store_write_failures_total"), 0);

    const published = await PublishedApi.ofThis();
    for (
      const target of [
        "/readyz",
        "/openapi.json",
        "/v1/status",
        "/v1/events",
        "/v1/state?full=true",
        "/v1/state/report?sync=true",
      ]
    ) {
      published.assertAnswer("GET", target, await stage.local(target));
    }

    await stage.stopControlPlane();
    await stage.statusWhen(
      "the stream is down",
      ({ stream }) => stream.state !== "streaming",
    );
    assert.equal((await stage.local("/readyz")).status, 200);
  });
}
