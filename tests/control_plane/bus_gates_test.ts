import assert from "node:assert/strict";
import { join2 } from "./dialect2_node.ts";
import { RunningPlane } from "./running_plane.ts";

const SURFACES = [
  { surface: "state", auditedAs: "node_state.pull" },
  { surface: "events", auditedAs: "node_events.subscribe" },
] as const;

const UNKNOWN = "01890000-0000-7000-8000-000000000000";

/** A node of either dialect, with the bearer that it calls with. */
async function nodeOf(dialect: 1 | 2, plane: RunningPlane) {
  if (dialect === 2) return await join2(plane);
  const node = await plane.join();
  return { id: node.id, bearer: node.secretKey };
}

async function auditRows(plane: RunningPlane, relation: string) {
  const { json } = await plane.admin("GET", "/audit");
  return (json["audit"] as Record<string, unknown>[])
    .filter((row) => row["relation"] === relation)
    .map(({ subject, object, outcome }) => ({ subject, object, outcome }));
}

/** Status of a call, whose body is left alone: a stream has no end. */
async function statusOf(plane: RunningPlane, path: string, bearer: string) {
  const answer = await fetch(plane.url + path, {
    headers: { authorization: `Bearer ${bearer}` },
  });
  await answer.body?.cancel();
  return answer.status;
}

for (const dialect of [1, 2] as const) {
  for (const { surface, auditedAs } of SURFACES) {
    const what = `${surface} of dialect ${dialect}`;
    const pathOf = (id: string) => `/v1/nodes/${id}/${surface}`;

    Deno.test(`${what}: what was let in is audited`, async () => {
      await using plane = await RunningPlane.start();
      const { id, bearer } = await nodeOf(dialect, plane);
      assert.equal(await statusOf(plane, pathOf(id), bearer), 200);
      const self = `node:${id}`;
      assert.deepEqual(await auditRows(plane, auditedAs), [
        { subject: self, object: self, outcome: "granted" },
      ]);
    });

    Deno.test(`${what}: the agent of another node is refused and audited, whether or not that exists`, async () => {
      await using plane = await RunningPlane.start();
      const { id, bearer } = await nodeOf(dialect, plane);
      const other = await nodeOf(dialect, plane);
      for (const addressed of [other.id, UNKNOWN]) {
        (await plane.call("GET", pathOf(addressed), { bearer }))
          .assertProblem(403, "insufficient_relation");
      }
      assert.deepEqual(
        await auditRows(plane, auditedAs),
        [UNKNOWN, other.id].map((addressed) => ({
          subject: `node:${id}`,
          object: `node:${addressed}`,
          outcome: "insufficient_relation",
        })),
      );
    });

    Deno.test(`${what}: a caller without a key is refused before anything else, and not audited`, async () => {
      await using plane = await RunningPlane.start();
      (await plane.call("GET", pathOf(UNKNOWN)))
        .assertProblem(401, "unauthorized");
      assert.deepEqual(await auditRows(plane, auditedAs), []);
    });

    for (const port of ["relation-checker", "storage", "snapshot"] as const) {
      Deno.test(`${what}: without ${port} it answers 501 to everybody`, async () => {
        await using plane = await RunningPlane.start({ without: [port] });
        const { id, bearer } = await nodeOf(dialect, plane);
        for (const options of [{}, { bearer }, { bearer: "x" }]) {
          (await plane.call("GET", pathOf(id), options))
            .assertProblem(501, "signed_event_bus_not_provisioned");
        }
        assert.ok(
          plane.log.lines.some(({ fields }) =>
            JSON.stringify(fields["missing"]) === JSON.stringify([port])
          ),
        );
      });
    }

    Deno.test(`${what}: a missing audit sink suppresses rows and changes nothing else`, async () => {
      await using plane = await RunningPlane.start({ without: ["audit"] });
      const { id, bearer } = await nodeOf(dialect, plane);
      assert.equal(await statusOf(plane, pathOf(id), bearer), 200);
      (await plane.call("GET", pathOf(UNKNOWN), { bearer }))
        .assertProblem(403, "insufficient_relation");
      assert.deepEqual(await auditRows(plane, auditedAs), []);
    });
  }
}
