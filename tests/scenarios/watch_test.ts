import assert from "node:assert/strict";
import { SseParser } from "../../src/uplink/sse_parser.ts";
import type { Dialect } from "../../src/wire/dialect.ts";
import { ServedPlexd } from "../cli/served_plexd.ts";
import { dial, send } from "../node_api/raw_http.ts";
import { eventually } from "./eventually.ts";
import { Stage } from "./stage.ts";

/** A line of `plexd watch --output json`. */
interface Line {
  readonly event: string;
  readonly position: string;
  readonly [member: string]: unknown;
}

/** `plexd watch --output json` in a process of its own. */
class Watching implements AsyncDisposable {
  readonly process: ServedPlexd;

  constructor(stage: Stage, ...flags: string[]) {
    this.process = new ServedPlexd([
      "watch",
      "--output=json",
      `--config=${stage.folder}/agent.yaml`,
      ...flags,
    ], { XDG_STATE_HOME: `${stage.folder}/user-state` });
  }

  static async begin(stage: Stage, ...flags: string[]): Promise<Watching> {
    const watching = new Watching(stage, ...flags);
    await watching.process.writes(/"event":"(hello|reset)".*\n/);
    return watching;
  }

  get lines(): Line[] {
    return this.process.output.split("\n").slice(0, -1)
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line));
  }

  /** The latest line that has these members. */
  async sees(members: Readonly<Record<string, unknown>>): Promise<Line> {
    const wanted = Object.entries(members);
    return await eventually(
      `${JSON.stringify(members)} is seen`,
      () =>
        this.lines.findLast((line) =>
          wanted.every(([name, value]) => line[name] === value)
        ),
    ).catch((error) => {
      throw new Error(`${error.message}: ${this.process.output}`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
  }
}

async function report(stage: Stage, key: string, payload = "1") {
  const { status, body } = await stage.local(`/v1/state/report/${key}`, {
    method: "PUT",
    body: `{"content_type":"application/json","payload":${payload}}`,
  });
  assert.equal(status, 200, body);
}

async function enrolled(
  dialect: Dialect,
): Promise<{ stage: Stage; node_id: string }> {
  const stage = await Stage.open(dialect);
  await stage.startControlPlane();
  await stage.leaveToken();
  const { node_id } = await stage.startAgent();
  return { stage, node_id };
}

for (const dialect of [1, 2] as const) {
  Deno.test(`what the control plane and programs change is seen, with who did it, and without values, dialect ${dialect}`, async () => {
    const { stage, node_id } = await enrolled(dialect);
    await using _stage = stage;
    await using watching = await Watching.begin(stage);
    await using secrets = await Watching.begin(stage, "--kind=secrets");
    await stage.admin.call("PUT", `/nodes/${node_id}/metadata/region`, {
      value: "canary-metadata",
    });
    await stage.admin.call("PUT", `/nodes/${node_id}/secrets/db`, {
      value: "canary-secret",
    });
    if (dialect === 2) await stage.learnSecret("db");
    await report(stage, "health", '"canary-report"');

    const origin = "control_plane";
    await watching.sees({ kind: "metadata", key: "region", origin });
    await watching.sees({ kind: "secrets", key: "db", version: 1, origin });
    await watching.sees({
      kind: "report",
      key: "health",
      version: 1,
      change: "added",
      origin: "local",
    });
    await report(stage, "health", "2");
    await watching.sees({ key: "health", version: 2, change: "changed" });
    assert.equal(
      (await stage.local("/v1/state/report/health", {
        method: "DELETE",
      })).status,
      204,
    );
    await watching.sees({ key: "health", change: "removed" });
    assert.doesNotMatch(watching.process.output, /canary/);

    await secrets.sees({ kind: "secrets", key: "db" });
    assert.deepEqual(
      secrets.lines.filter(({ event }) => event === "change")
        .filter(({ kind }) => kind !== "secrets"),
      [],
    );
    const { watchers } = await stage.status();
    assert.deepEqual(watchers, { open: 2, dropped: 0, refused: 0 });
    assert.equal(await watching.process.stop("SIGINT"), 0);
    await stage.statusWhen(
      "one watcher is left",
      ({ watchers }) => watchers.open === 1,
    );
  });
}

// What follows happens between the agent and its readers: in no dialect.
Deno.test("whatever a watcher was told of is there after a kill -9, which tells it to start over", async () => {
  const { stage } = await enrolled(1);
  await using _stage = stage;
  await using watching = await Watching.begin(stage, "--kind=report");
  const keys = Array.from({ length: 40 }, (_, at) => `k${at}`);
  // The agent is killed while reports are still written.
  const writing = Promise.allSettled(keys.map((key) => report(stage, key)));
  await watching.sees({ event: "change" });
  await stage.killAgent();
  await writing;
  const told = watching.lines.filter(({ event }) => event === "change")
    .map(({ key }) => String(key));
  assert.ok(told.length > 0);
  await stage.startAgent();
  for (const key of told) await stage.read(`/v1/state/report/${key}`);

  const reset = await watching.sees({ event: "reset" });
  assert.equal(reset["reason"], "restarted");
  await watching.process.writes(/plexd: the agent is back\n/);
  await report(stage, "after");
  await watching.sees({ event: "change", key: "after" });
  assert.equal(await watching.process.stop("SIGTERM"), 0);
});

Deno.test("a stop of the agent ends streams with the reason, and a reload does not lose a change", async () => {
  const { stage } = await enrolled(1);
  await using _stage = stage;
  using connection = await dial(stage.socket);
  await send(connection, "/v1/watch");
  const parser = new SseParser();
  const buffer = new Uint8Array(65_536);
  await stage.statusWhen("it watches", ({ watchers }) => watchers.open === 1);
  await using watching = await Watching.begin(stage, "--kind=report");
  // Another group of settings: the listeners begin anew, and so do streams.
  await stage.configure({ settings: { node_api: { max_watchers: 2 } } });
  stage.agent.signal("SIGHUP");
  let raw = "";
  for (;;) {
    const size = await connection.read(buffer);
    if (size === null) break;
    raw += new TextDecoder().decode(buffer.subarray(0, size));
    parser.push(buffer.subarray(0, size));
  }
  assert.match(raw, /event: end\ndata: \{"reason":"stopping"\}\n\n/);
  await watching.sees({ event: "hello", resumed: true });
  await eventually("it answers again", async () => {
    await report(stage, "after-reload");
    return true;
  });
  await watching.sees({ event: "change", key: "after-reload" });
  assert.equal(watching.lines.some(({ event }) => event === "reset"), false);

  await using second = await Watching.begin(stage);
  const refused = await stage.local("/v1/watch");
  assert.equal(refused.status, 503);
  await stage.stopAgent();
  await second.process.writes(/plexd: the agent has gone/);
});

Deno.test("a consumer goes on where it stopped, each under its own name, and is told of a restart", async () => {
  const { stage } = await enrolled(1);
  await using _stage = stage;
  const flags = ["--kind=report", "--consumer=back/up"];
  {
    await using watching = await Watching.begin(stage, ...flags);
    assert.equal((await watching.sees({ event: "hello" }))["resumed"], false);
    await report(stage, "one");
    await watching.sees({ key: "one" });
    assert.equal(await watching.process.stop("SIGINT"), 0);
  }
  await report(stage, "two");
  {
    await using other = await Watching.begin(stage, "--consumer=back");
    assert.equal((await other.sees({ event: "hello" }))["resumed"], false);
    await using watching = await Watching.begin(stage, ...flags);
    await watching.sees({ key: "two" });
    assert.deepEqual(
      watching.lines.map(({ event, key }) => key ?? event),
      ["hello", "two"],
    );
    await eventually("the place of the consumer is saved", async () => {
      const text = await Deno.readTextFile(
        `${stage.folder}/user-state/plexd/watch/cursors.json`,
      );
      const { position } = await watching.sees({ key: "two" });
      return text.includes(position) || undefined;
    });
    // A crash of the reader repeats at most what was not saved yet.
    await watching.process.stop("SIGKILL");
  }
  await report(stage, "three");
  {
    await using watching = await Watching.begin(stage, ...flags);
    await watching.sees({ key: "three" });
    assert.equal(watching.lines.some(({ key }) => key === "one"), false);
    assert.equal(await watching.process.stop("SIGINT"), 0);
  }
  await stage.stopAgent();
  await stage.startAgent();
  await using watching = await Watching.begin(stage, ...flags);
  const [first] = watching.lines;
  assert.deepEqual([first!.event, first!["reason"]], ["reset", "restarted"]);
});

Deno.test("a reader that never reads is dropped, while another one gets everything and programs are served", async () => {
  const { stage } = await enrolled(1);
  await using _stage = stage;
  using silent = await dial(stage.socket);
  await send(silent, "/v1/watch");
  await stage.statusWhen("it watches", ({ watchers }) => watchers.open === 1);
  await using watching = await Watching.begin(stage, "--kind=report");
  // Far more than the sockets and the runtime hold for one that does not read.
  const keys = Array.from(
    { length: 2_400 },
    (_, at) => `${at}-`.padEnd(250, "k"),
  );
  for (let at = 0; at < keys.length; at += 40) {
    await Promise.all(
      keys.slice(at, at + 40).map((key) => report(stage, key)),
    );
  }
  await eventually("the other reader has everything", () => {
    const told = new Set(watching.lines.map(({ key }) => key));
    return keys.every((key) => told.has(key)) || undefined;
  });
  await stage.statusWhen(
    "the silent one is dropped",
    ({ watchers }) => watchers.open === 1 && watchers.dropped === 1,
  );
  await report(stage, "after");
  await watching.sees({ event: "change", key: "after" });
  // It has what it was given before, and then the reason.
  const parser = new SseParser();
  const buffer = new Uint8Array(65_536);
  let end: string | undefined;
  while (end === undefined) {
    const size = await silent.read(buffer);
    assert.notEqual(size, null, "it ends with a reason");
    end = parser.push(buffer.subarray(0, size!))
      .find(({ event }) => event === "end")?.data;
  }
  assert.deepEqual(JSON.parse(end), { reason: "slow_reader" });
});
