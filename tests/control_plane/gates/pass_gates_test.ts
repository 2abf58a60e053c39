import assert from "node:assert/strict";
import {
  type GatedCall,
  type GatePorts,
  passGates,
} from "../../../src/control_plane/gates/pass_gates.ts";
import { ProblemError } from "../../../src/control_plane/http/problem.ts";
import type {
  AuditRow,
  Node,
  Rows,
  Storage,
} from "../../../src/control_plane/storage/storage.ts";
import { systemRandom } from "../../../src/platform/random.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { MemoryLog } from "../../fakes/memory_log.ts";

const NODE = { id: "n", dialect: 1, firstCallAtMs: 1 } as Node;

/** Ports that write down the order in which they are asked. */
class Recorder {
  readonly asked: string[] = [];
  readonly rows: Omit<AuditRow, "atMs">[] = [];
  knowsBearer = true;
  isAgent: boolean | Error = true;
  isThere = true;

  get storage(): Storage {
    const nodes = {
      byBearer: () => {
        this.asked.push("authenticated");
        return this.knowsBearer ? NODE : undefined;
      },
    };
    const stored: Storage = {
      read: (work) => work({ nodes } as unknown as Rows),
      write: () => Promise.reject(new Error("nothing to write")),
      close: () => {},
    };
    return stored;
  }

  get ports(): GatePorts {
    return {
      relations: {
        check: () => {
          this.asked.push("related");
          if (this.isAgent instanceof Error) throw this.isAgent;
          return this.isAgent;
        },
      },
      nodes: {
        byId: () => {
          this.asked.push("looked up");
          return this.isThere ? NODE : undefined;
        },
      },
      audit: { offer: (row) => void this.rows.push(row) },
    };
  }

  pass(bearer: string | undefined = "secret") {
    const request = new Request("http://h/v1/nodes/n/state", {
      headers: bearer === undefined
        ? {}
        : { authorization: `Bearer ${bearer}` },
    });
    const call: GatedCall = {
      nodeId: "n",
      auditedAs: "node_state.pull",
      refusal: () => "insufficient_relation",
      source: "192.0.2.7",
    };
    const io = {
      clock: new FakeClock(),
      random: systemRandom,
      log: new MemoryLog(),
    };
    return passGates(request, call, this.ports, { storage: this.storage, io });
  }
}

function problem(status: number, code: string) {
  return (error: unknown) =>
    error instanceof ProblemError && error.status === status &&
    error.code === code;
}

Deno.test("passGates() asks in the order that security wants", async () => {
  const gates = new Recorder();
  const { node, subject } = await gates.pass();
  assert.equal(node, NODE);
  assert.equal(subject, "node:n");
  assert.deepEqual(gates.asked, ["authenticated", "related", "looked up"]);
  assert.deepEqual(gates.rows, []);
});

Deno.test("passGates() asks nothing for a caller without a key", async () => {
  const gates = new Recorder();
  const request = gates.pass("");
  await assert.rejects(request, problem(401, "unauthorized"));
  assert.deepEqual(gates.asked, []);
});

Deno.test("passGates() checks no relation of a caller it does not know", async () => {
  const gates = new Recorder();
  gates.knowsBearer = false;
  await assert.rejects(gates.pass(), problem(401, "unauthorized"));
  assert.deepEqual(gates.asked, ["authenticated"]);
});

Deno.test("passGates() looks nothing up for the agent of another node", async () => {
  const gates = new Recorder();
  gates.isAgent = false;
  await assert.rejects(gates.pass(), problem(403, "insufficient_relation"));
  assert.deepEqual(gates.asked, ["authenticated", "related"]);
  assert.deepEqual(gates.rows, [{
    subject: "node:n",
    relation: "node_state.pull",
    object: "node:n",
    outcome: "insufficient_relation",
    source: "192.0.2.7",
  }]);
});

Deno.test("passGates() lets nobody in when the authorizer fails", async () => {
  const gates = new Recorder();
  gates.isAgent = new Error("down");
  await assert.rejects(gates.pass(), /down/);
  assert.deepEqual(gates.asked, ["authenticated", "related"]);
});

Deno.test("passGates() says last that a node is not there", async () => {
  const gates = new Recorder();
  gates.isThere = false;
  await assert.rejects(gates.pass(), problem(404, "node_not_found"));
  assert.deepEqual(gates.asked, ["authenticated", "related", "looked up"]);
});
