import assert from "node:assert/strict";
import {
  type PresentNode,
  Requests,
  type RequestsOptions,
} from "../../src/agent/requests.ts";
import { runTogether } from "../../src/platform/part.ts";
import type { AgentRequest, OpenRequest } from "../../src/store/request_box.ts";
import type { RequestAnswer } from "../../src/store/request_file.ts";
import { StoreWriteError } from "../../src/store/store_errors.ts";
import { type Marks, NO_MARKS } from "../../src/store/trust_marks.ts";
import {
  refusalOf,
  RegistrationError,
} from "../../src/sync/registration_answer.ts";
import { ControlError } from "../../src/uplink/control_error.ts";
import { FakeClock, settle } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { failureFrom } from "../uplink/serve.ts";

/** A request box without a disk. */
class MemoryBox {
  open: OpenRequest | undefined;
  answered: { id: string; answer: RequestAnswer } | undefined;

  ask(id: string, request: AgentRequest) {
    this.open = { id, request };
  }

  read(): Promise<OpenRequest | undefined> {
    return Promise.resolve(this.open);
  }

  answer(id: string, answer: RequestAnswer) {
    this.answered = { id, answer };
  }

  clear() {
    this.open = undefined;
    this.answered = undefined;
  }
}

/** An agent that does nothing but to carry out requests. */
class Agent {
  readonly clock = new FakeClock();
  readonly box = new MemoryBox();
  readonly stop = new AbortController();
  deregister: (signal: AbortSignal) => Promise<void> = () => Promise.resolve();
  join: RequestsOptions["join"] = () =>
    Promise.reject(new Error("not expected"));
  forgotten = 0;
  forget: () => Promise<void> = () => Promise.resolve();
  marks: Marks = NO_MARKS;
  readonly pulls: string[] = [];
  pullNow: PresentNode["pullNow"] = () =>
    Promise.resolve({ listed: [], total: 0 });
  readonly requests = new Requests({
    store: {
      requests: this.box,
      forgetNode: () => {
        this.forgotten++;
        return this.forget();
      },
      marks: {
        load: () => this.marks,
        save: (marks) => {
          this.marks = marks;
        },
      },
    },
    join: (token) => this.join(token),
    recentLog: () => ["a line"],
    io: {
      clock: this.clock,
      random: new FakeRandom(),
      log: new MemoryLog(),
    },
  });

  async run(): Promise<void> {
    const part = this.requests.part({
      nodeId: "n_1",
      uplink: { deregister: (signal) => this.deregister(signal) },
      pull: (reason) => this.pulls.push(reason),
      pullNow: (signal) => this.pullNow(signal),
    });
    const until = AbortSignal.any([this.stop.signal, this.requests.left]);
    await runTogether([part], until);
    assert.deepEqual(this.clock.sleeping, []);
    await this.requests.finish();
  }
}

const DEREGISTER: AgentRequest = { kind: "deregister", force: false };

Deno.test("a request is taken within a second; the node is forgotten when all work has ended", async () => {
  const agent = new Agent();
  const running = agent.run();
  await settle();
  agent.box.ask("r1", DEREGISTER);
  await agent.clock.advance(999);
  assert.equal(agent.requests.left.aborted, false);
  await agent.clock.advance(1);
  await running;
  assert.equal(agent.forgotten, 1);
  assert.deepEqual(agent.box.answered, {
    id: "r1",
    answer: { outcome: "done", message: "", nodeId: "n_1" },
  });
});

Deno.test("a control plane that does not answer leaves the agent at work", async () => {
  const agent = new Agent();
  agent.deregister = () =>
    Promise.reject(new ControlError("unreachable", "No route"));
  agent.box.ask("r1", DEREGISTER);
  const running = agent.run();
  await settle();
  assert.equal(agent.box.answered?.answer.outcome, "unavailable");
  assert.equal(agent.forgotten, 0);
  agent.stop.abort();
  await running;
  assert.equal(agent.forgotten, 0);
});

Deno.test("one request is carried out once, however long it lies there", async () => {
  const agent = new Agent();
  let calls = 0;
  agent.deregister = () => {
    calls++;
    return Promise.reject(new ControlError("server", "Status 500"));
  };
  agent.box.ask("r1", DEREGISTER);
  const running = agent.run();
  await agent.clock.advance(5_000);
  assert.equal(calls, 1);
  assert.notEqual(agent.box.open, undefined);
  // Its command was killed: the next one must find room.
  await agent.clock.advance(6_000);
  assert.equal(agent.box.open, undefined);
  agent.box.ask("r2", DEREGISTER);
  await agent.clock.advance(1_000);
  assert.equal(calls, 2);
  agent.stop.abort();
  await running;
});

Deno.test("a stop in the middle of a request is an answer, too", async () => {
  const agent = new Agent();
  agent.deregister = (signal) =>
    new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason))
    );
  agent.box.ask("r1", DEREGISTER);
  const running = agent.run();
  await settle();
  agent.stop.abort();
  await running;
  assert.equal(agent.box.answered?.answer.outcome, "failed");
  assert.match(agent.box.answered?.answer.message ?? "", /stopped/);
  assert.equal(agent.forgotten, 0);
});

Deno.test("a node that cannot be forgotten is told, and is a failure of the agent", async () => {
  const agent = new Agent();
  agent.forget = () =>
    Promise.reject(new StoreWriteError("it", new Error("disk full")));
  agent.box.ask("r1", DEREGISTER);
  const failure = await failureFrom(agent.run());
  assert.ok(failure instanceof StoreWriteError);
  assert.equal(agent.box.answered?.answer.outcome, "failed");
});

Deno.test("joining anew is answered with the new node", async () => {
  const agent = new Agent();
  const identity = { nodeId: "n_2", meshIp: "10.0.0.2" };
  const tokens: string[] = [];
  agent.join = (token) => {
    tokens.push(token);
    return Promise.resolve(identity);
  };
  agent.box.ask("r1", { kind: "join", token: "fresh" });
  const running = agent.run();
  await settle();
  assert.deepEqual(tokens, ["fresh"]);
  assert.deepEqual(agent.box.answered?.answer, {
    outcome: "done",
    message: "",
    nodeId: "n_2",
    meshIp: "10.0.0.2",
  });
  agent.stop.abort();
  await running;
});

for (
  const [kind, outcome] of [
    ["refused", "refused"],
    ["bad_answer", "refused"],
    ["unreachable", "unavailable"],
  ] as const
) {
  Deno.test(`joining anew that is ${kind} is answered as ${outcome}`, async () => {
    const agent = new Agent();
    agent.join = () => Promise.reject(new RegistrationError(kind, "No"));
    agent.box.ask("r1", { kind: "join", token: "fresh" });
    const running = agent.run();
    await settle();
    const { answered } = agent.box;
    assert.deepEqual(answered?.answer, {
      outcome,
      message: "No",
      remedy: "address",
    });
    agent.stop.abort();
    await running;
  });
}

Deno.test("a token that is refused is said once, with what to look at", async () => {
  const agent = new Agent();
  const refusal = refusalOf(
    new ControlError("unauthorized", "POST was answered with 401", {
      status: 401,
      code: "token_invalid",
    }),
  );
  agent.join = () => Promise.reject(refusal);
  agent.box.ask("r1", { kind: "join", token: "fresh" });
  const running = agent.run();
  await settle();
  assert.deepEqual(agent.box.answered?.answer, {
    outcome: "refused",
    message: "The control plane refused the bootstrap token: " +
      "status 401 (token_invalid)",
    remedy: "token",
  });
  agent.stop.abort();
  await running;
});

Deno.test("a request that cannot be opened is answered with the reason", async () => {
  const agent = new Agent();
  agent.box.ask("r1", { kind: "unusable", why: "another key" });
  const running = agent.run();
  await settle();
  assert.deepEqual(agent.box.answered?.answer, {
    outcome: "failed",
    message: "another key",
  });
  agent.stop.abort();
  await running;
});

Deno.test("an offered epoch is accepted while the agent runs, and pulled for", async () => {
  const agent = new Agent();
  const running = agent.run();
  await settle();
  agent.box.ask("r1", { kind: "accept_epoch" });
  await agent.clock.advance(1_000);
  assert.equal(agent.box.answered?.answer.outcome, "refused");
  agent.marks = { ...NO_MARKS, offeredEpoch: 9 };
  agent.box.ask("r2", { kind: "accept_epoch" });
  await agent.clock.advance(1_000);
  assert.equal(agent.box.answered?.answer.outcome, "done");
  assert.deepEqual(agent.marks, { ...NO_MARKS, acceptedEpoch: 9 });
  assert.equal(agent.pulls.length, 1);
  agent.stop.abort();
  await running;
});

Deno.test("a pull that is asked for is answered with what it has changed", async () => {
  const agent = new Agent();
  const listed = [
    { kind: "data", key: "motd", change: "changed", version: 3 },
  ] as const;
  agent.pullNow = () => Promise.resolve({ listed, total: 1 });
  agent.box.ask("r1", { kind: "reconcile" });
  const running = agent.run();
  await settle();
  assert.deepEqual(agent.box.answered?.answer, {
    outcome: "done",
    message: "",
    changes: listed,
    total: 1,
  });
  agent.stop.abort();
  await running;
});

for (
  const [failure, outcome] of [
    [new ControlError("unreachable", "No route"), "unavailable"],
    [new ControlError("unauthorized", "Who are you?"), "refused"],
    [new Error("it is older than what is here"), "refused"],
    [new StoreWriteError("it", new Error("disk full")), "failed"],
  ] as const
) {
  Deno.test(`a pull that ends with "${failure.message}" is answered as ${outcome}`, async () => {
    const agent = new Agent();
    agent.pullNow = () => Promise.reject(failure);
    agent.box.ask("r1", { kind: "reconcile" });
    const running = agent.run();
    await settle();
    assert.equal(agent.box.answered?.answer.outcome, outcome);
    agent.stop.abort();
    await running;
  });
}

Deno.test("who asks for the last lines of the log gets them", async () => {
  const agent = new Agent();
  agent.box.ask("r1", { kind: "recent_log" });
  const running = agent.run();
  await settle();
  assert.deepEqual(agent.box.answered?.answer.log, ["a line"]);
  agent.stop.abort();
  await running;
});
