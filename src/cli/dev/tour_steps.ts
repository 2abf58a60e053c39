import assert from "node:assert/strict";
import type { StatusDocument } from "../../wire/status.ts";
import { call } from "../../client/call.ts";
import { forgerOf } from "./forgery.ts";
import type { HostileProxy } from "./hostile_proxy.ts";
import { socketFolder, type World } from "./world.ts";

/** What the steps of the tour work on. */
export interface TourStage {
  readonly world: World;
  readonly proxy: HostileProxy;
}

/** One step: settles when what its title says has been seen, and throws if not. */
export interface TourStep {
  readonly title: string;
  readonly run: (stage: TourStage) => Promise<void>;
}

const RECEIVE: TourStep = {
  title: "metadata, data and a secret arrive by signed event",
  run: receiveState,
};
const REPORT: TourStep = {
  title: "a report arrives upstream; a stale If-Match is refused",
  run: sendReport,
};
const ATTACKS: TourStep = {
  title: "forged, tampered, stale and replayed events are refused",
  run: refuseAttacks,
};
const ROTATION: TourStep = {
  title: "the signing key rotates, and events go on",
  run: rotateSigningKey,
};
const CRASH: TourStep = {
  title: "agent killed and restarted offline: same state, same report",
  run: killAgent,
};
const STOP: TourStep = {
  title: "a clean stop leaves no socket, temporary file or process",
  run: stopCleanly,
};

export const TOUR_STEPS: readonly TourStep[] = [
  {
    title: "the control plane starts, the node joins with a one-time token",
    run: join,
  },
  RECEIVE,
  REPORT,
  ATTACKS,
  ROTATION,
  {
    title: "control plane stopped: reads say stale, a report is accepted",
    run: loseControlPlane,
  },
  CRASH,
  {
    title: "control plane back: stream reconnects, the report arrives",
    run: regainControlPlane,
  },
  STOP,
];

export const TOUR_STEPS_WITH_BUS: readonly TourStep[] = [
  {
    title: "control plane and nats-server start, the node joins",
    run: joinWithBus,
  },
  RECEIVE,
  REPORT,
  {
    title: "nats-server killed: events come by the stream",
    run: loseBus,
  },
  ATTACKS,
  {
    title: "nats-server back: events come by the message bus",
    run: regainBus,
  },
  ROTATION,
  {
    title: "both stopped: reads say stale, a report is accepted",
    run: loseBoth,
  },
  CRASH,
  {
    title: "both back: the message bus reconnects, the report arrives",
    run: regainBoth,
  },
  STOP,
];

/** A bus that is away is looked for with pauses that grow. */
const CARRIER_LIMIT_MS = 90_000;

const REPORT_WHILE_ONLINE = "tour";
const REPORT_WHILE_OFFLINE = "tour-offline";

async function join({ world, proxy }: TourStage) {
  await world.startControlPlane();
  await world.leaveToken();
  const status = await world.startAgent(proxy.url);
  const nodes = await world.admin.call("GET", "/nodes") as {
    nodes: { node_id: string }[];
  };
  assert.ok(
    nodes.nodes.some((node) => node.node_id === status.node_id),
    "the control plane does not know the node",
  );
  await assertMissing(world.folders.tokenFile);
  await streaming(world);
}

async function joinWithBus(stage: TourStage) {
  const { world, proxy } = stage;
  await world.startControlPlane();
  await world.startBus();
  await world.leaveToken();
  await world.startAgent(proxy.url);
  await carriedBy(world, "nats");
}

async function loseBus({ world }: TourStage) {
  await world.killBus();
  await carriedBy(world, "sse");
  await changeArrives(world, "bus-away");
}

async function regainBus({ world }: TourStage) {
  await world.startBus();
  await carriedBy(world, "nats");
  await changeArrives(world, "bus-back");
}

async function loseBoth(stage: TourStage) {
  await stage.world.killBus();
  await loseControlPlane(stage);
}

async function regainBoth({ world }: TourStage) {
  await world.startControlPlane();
  await world.startBus();
  await carriedBy(world, "nats");
  await reportUpstream(world, REPORT_WHILE_OFFLINE, { written: "offline" });
  await changeArrives(world, "both-back");
}

async function receiveState({ world }: TourStage) {
  const { node_id } = await world.status();
  const before = taken(await world.status());
  const node = `/nodes/${node_id}`;
  await world.admin.call("PUT", `${node}/metadata/region`, { value: "eu-1" });
  await world.admin.call("PUT", `${node}/data/motd`, {
    content_type: "application/json",
    payload: { text: "hello", number: 1.5 },
  });
  await world.admin.call("PUT", `${node}/secrets/db-password`, {
    value: "correct horse",
  });
  // In dialect 2 nothing tells of secrets: they are asked for by name.
  await eventsTaken(world, before + (world.dialect === 1 ? 3 : 2));
  await metadataIs(world, "region", "eu-1");
  const data = await arrived(world, "/v1/state/data/motd") as {
    payload: unknown;
  };
  // Values are text in dialect 2, whatever they hold.
  const payload = world.dialect === 1
    ? data.payload
    : JSON.parse(String(data.payload));
  assert.deepEqual(payload, { text: "hello", number: 1.5 });
  const path = "/v1/state/secrets/db-password";
  const refused = await call(world.folders.socket, "GET", path);
  assert.equal(refused.status, 403, "api.sock gave a secret value away");
  const secret = await call(world.folders.secretsSocket, "GET", path);
  assert.deepEqual(secret.body, {
    key: "db-password",
    value: "correct horse",
    version: 1,
  });
}

async function sendReport({ world }: TourStage) {
  const path = `/v1/state/report/${REPORT_WHILE_ONLINE}`;
  const report = (payload: unknown) => ({
    content_type: "application/json",
    payload,
  });
  const { socket } = world.folders;
  const first = await call(socket, "PUT", path, report({ step: 1 }));
  assert.equal(first.status, 200);
  const second = await call(socket, "PUT", path, report({ step: 2 }));
  assert.equal(second.status, 200);
  const stale = await call(socket, "PUT", path, report({ step: 3 }), {
    headers: { "if-match": "1" },
  });
  assert.equal(stale.status, 409, "a stale If-Match was accepted");
  await reportUpstream(world, REPORT_WHILE_ONLINE, { step: 2 });
}

async function refuseAttacks({ world, proxy }: TourStage) {
  const genuine = proxy.frames.at(-1);
  assert.ok(genuine, "no event was seen on the wire");
  const seen = proxy.frames.length;
  // Dialect 2 has no nonce: there an event that comes again is known by its id.
  const replays = ({ events }: StatusDocument) =>
    world.dialect === 1 ? events.rejected["replay"] ?? 0 : events.repeated;
  const known = replays(await world.status());
  proxy.inject(genuine);
  await world.eventually("a replay is refused and counted", async () => {
    return replays(await world.status()) > known || undefined;
  });
  // All that was seen before the replay has been dealt with by now.
  const before = await world.status();
  const state = await read(world, "/v1/state");
  const now = world.clock.now();
  const { forge, tamper, age } = forgerOf(world.dialect);
  proxy.inject(forge(genuine, now));
  proxy.inject(tamper(genuine));
  proxy.inject(age(genuine, now));
  const more = (status: StatusDocument, reason: string) =>
    (status.events.rejected[reason] ?? 0) -
    (before.events.rejected[reason] ?? 0);
  await world.eventually("all others are refused and counted", async () => {
    const status = await world.status();
    return more(status, "signature") >= 2 && more(status, "stale") >= 1 ||
      undefined;
  });
  const after = await world.status();
  // In dialect 2 the node's first heartbeat makes an event, at some time.
  const genuineSince = proxy.frames.length - seen;
  assert.ok(after.events.applied - before.events.applied <= genuineSince);
  assert.deepEqual(await read(world, "/v1/state"), state);
}

async function rotateSigningKey({ world }: TourStage) {
  const before = await world.status();
  const { node_id } = before;
  await world.admin.call("POST", "/signing-keys/rotate", { transition: "1m" });
  await world.admin.call("PUT", `/nodes/${node_id}/metadata/rotated`, {
    value: "yes",
  });
  await eventsTaken(world, taken(before) + 2);
  await metadataIs(world, "rotated", "yes");
}

async function loseControlPlane({ world }: TourStage) {
  const before = await read(world, "/v1/state/metadata");
  assert.ok(await world.stopControlPlane(), "it did not stop by itself");
  const { socket } = world.folders;
  await world.eventually("reads say that they are stale", async () => {
    const answer = await call(socket, "GET", "/v1/state/metadata");
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body, before);
    return answer.headers.get("x-plexd-stale") === "true" || undefined;
  });
  const path = `/v1/state/report/${REPORT_WHILE_OFFLINE}`;
  const answer = await call(socket, "PUT", path, {
    content_type: "application/json",
    payload: { written: "offline" },
  });
  assert.equal(answer.status, 200);
}

async function killAgent({ world, proxy }: TourStage) {
  const before = await read(world, "/v1/state");
  await world.killAgent();
  await world.startAgent(proxy.url);
  assert.deepEqual(await read(world, "/v1/state"), before);
  const report = await read(
    world,
    `/v1/state/report/${REPORT_WHILE_OFFLINE}`,
  ) as { payload: unknown };
  assert.deepEqual(report.payload, { written: "offline" });
}

async function regainControlPlane({ world }: TourStage) {
  await world.startControlPlane();
  await streaming(world);
  await reportUpstream(world, REPORT_WHILE_OFFLINE, { written: "offline" });
  const before = await world.status();
  const { node_id } = before;
  await world.admin.call("DELETE", `/nodes/${node_id}/metadata/rotated`);
  await eventsTaken(world, taken(before) + 1);
}

async function stopCleanly({ world }: TourStage) {
  assert.ok(await world.stop(), "a process had to be killed or failed");
  assert.equal(world.anyRunning, false);
  const left = [...Deno.readDirSync(socketFolder(world.folders))]
    .map((entry) => entry.name);
  assert.deepEqual(left, [], "left beside the sockets");
  assert.deepEqual(temporaryFiles(world.folders.agentData), []);
}

/** Names of what lies in any `tmp` folder below `path`. */
function temporaryFiles(path: string): string[] {
  return [...Deno.readDirSync(path)].flatMap((entry) => {
    if (!entry.isDirectory) return [];
    const inside = `${path}/${entry.name}`;
    return entry.name === "tmp"
      ? [...Deno.readDirSync(inside)].map((left) => `${inside}/${left.name}`)
      : temporaryFiles(inside);
  });
}

async function streaming(world: World) {
  await world.eventually("the event stream is open", async () => {
    const { stream } = await world.status();
    return stream.state === "streaming" || undefined;
  });
}

async function carriedBy(world: World, carrier: "sse" | "nats") {
  await world.eventually(`events come by ${carrier}`, async () => {
    const status = await world.status();
    return status.carrier?.active === carrier || undefined;
  }, CARRIER_LIMIT_MS);
}

/** A change whose event comes through, whatever a pull may bring before. */
async function changeArrives(world: World, key: string) {
  const before = await world.status();
  const path = `/nodes/${before.node_id}/metadata/${key}`;
  await world.admin.call("PUT", path, { value: "yes" });
  await eventsTaken(world, taken(before) + 1);
  await metadataIs(world, key, "yes");
}

/** Events that came through, also those that a pull had overtaken. */
function taken({ events }: StatusDocument): number {
  return events.applied + events.repeated;
}

async function eventsTaken(world: World, count: number) {
  await world.eventually(`${count} events are taken`, async () => {
    return taken(await world.status()) >= count || undefined;
  });
}

async function reportUpstream(world: World, key: string, payload: unknown) {
  const { node_id } = await world.status();
  await world.eventually(`report "${key}" arrives upstream`, async () => {
    const answer = await world.admin.call(
      "GET",
      `/nodes/${node_id}/reports`,
    ) as { reports: { key: string; payload: unknown }[] };
    const report = answer.reports.find((one) => one.key === key);
    if (!report) return undefined;
    return JSON.stringify(report.payload) === JSON.stringify(payload) ||
      undefined;
  });
}

/** In dialect 2 an event only asks for the pull that brings what it tells of. */
async function arrived(world: World, path: string): Promise<unknown> {
  return await world.eventually(`${path} arrives`, async () => {
    const answer = await call(world.folders.socket, "GET", path);
    return answer.status === 200 ? answer.body : undefined;
  });
}

async function metadataIs(world: World, key: string, value: string) {
  const metadata = await arrived(world, `/v1/state/metadata/${key}`);
  assert.deepEqual(metadata, { key, value });
}

async function read(world: World, path: string): Promise<unknown> {
  const answer = await call(world.folders.socket, "GET", path);
  assert.equal(answer.status, 200, `GET ${path}`);
  return answer.body;
}

async function assertMissing(path: string) {
  const found = await Deno.lstat(path).catch(() => undefined);
  assert.equal(found, undefined, `${path} is still there`);
}
