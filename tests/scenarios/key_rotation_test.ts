import assert from "node:assert/strict";
import { eventually } from "./eventually.ts";
import { type ScriptedAnswer, ScriptedPlane } from "./scripted_plane.ts";
import { bootstrapToken, goodState } from "./siege.ts";
import { Stage } from "./stage.ts";

const TAKEN = { 1: { updated_peers: [] }, 2: { rotation_id: "r1" } } as const;

for (const dialect of [1, 2] as const) {
  Deno.test(`a heartbeat's hint rotates the node's key, over crashes and lost answers to the same new one, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await using plane = new ScriptedPlane(dialect);
    plane.state = goodState(dialect);
    const token = bootstrapToken(dialect);
    await Deno.writeTextFile(stage.tokenFile, token, { mode: 0o600 });
    const announced: string[] = [];
    const taking = (then: ScriptedAnswer) => async (request: Request) => {
      const { node_id, new_public_key } = await request.clone().json();
      assert.equal(node_id, dialect === 1 ? plane.nodeId : undefined);
      announced.push(new_public_key);
      return await then(request);
    };
    const publicKey = async () =>
      JSON.parse(
        await Deno.readTextFile(`${stage.membership}/identity/identity.json`),
      ).public_key as string;
    const announcedTimes = (times: number) =>
      eventually(
        `it is announced ${times} times`,
        () => announced.length >= times || undefined,
      );

    plane.answers.heartbeat = () => Response.json({ rotate_keys: true });
    plane.answers.rotate = taking(plane.silence);
    await stage.startAgent({ url: plane.url });
    await announcedTimes(1);
    const before = await publicKey();
    const { tasks } = await stage.status();
    assert.notEqual(tasks.key_rotation.pending_since, null);
    await stage.killAgent();
    assert.equal(await publicKey(), before);

    // It was taken, for all that anybody knows, and the answer is lost again.
    plane.answers.rotate = taking(() => new Response(null, { status: 502 }));
    await stage.startAgent({ url: plane.url });
    await announcedTimes(2);
    await stage.killAgent();
    assert.equal(await publicKey(), before);

    plane.answers.rotate = taking(() => Response.json(TAKEN[dialect]));
    await stage.startAgent({ url: plane.url });
    const status = await stage.statusWhen(
      "it is confirmed",
      ({ tasks }) => tasks.key_rotation.last_at !== null,
    );
    assert.equal(status.tasks.key_rotation.pending_since, null);
    const after = await publicKey();
    assert.deepEqual(new Set(announced), new Set([after]));
    assert.notEqual(after, before);

    // The hint stays up, and the key stays what it is; so does the node.
    const beats = () =>
      plane.requests.filter(({ surface }) => surface === "heartbeat").length;
    const seen = beats();
    await eventually(
      "more hints have come",
      () => beats() >= seen + 2 || undefined,
    );
    assert.equal(new Set(announced).size, 1);
    await stage.killAgent();
    plane.answers.heartbeat = () => Response.json({});
    const again = await stage.startAgent({ url: plane.url });
    assert.equal(again.node_id, plane.nodeId);
    assert.equal(await publicKey(), after);
    await stage.stopAgent();
  });
}
