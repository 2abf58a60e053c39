import assert from "node:assert/strict";
import { Workshop } from "../../scripts/bench/workshop.ts";
import {
  type Address,
  type AttackedAgent,
  dial,
  isServing,
  pause,
  startAttacked,
} from "../../scripts/torture/attacked_agent.ts";
import { eventually } from "./eventually.ts";

/** Descriptors of the agent; it needs some forty for itself. */
const DESCRIPTORS = 150;

/** Connections of the attacker: more than the agent can ever have. */
const CONNECTIONS = 300;

/**
 * Longest that anybody may wait, in ms. On a machine with time to spare it is
 * two seconds, as the torture sees; what would let others in without the agent's
 * doing are the deadlines of the attacker's connections, of ten seconds or more.
 */
const LONGEST_WAIT_MS = 8_000;

/** Connections of an attacker to one listener. */
class Attacker implements Disposable {
  readonly #address: Address;
  readonly #open = new Set<Deno.Conn>();
  #isOver = false;
  /** How many were opened. */
  opened = 0;

  constructor(address: Address) {
    this.#address = address;
  }

  /** Opens them and never lets one go. */
  async hold(): Promise<void> {
    for (let number = 0; number < CONNECTIONS; number++) {
      const connection = await dial(this.#address).catch(() => undefined);
      if (connection) this.#open.add(connection);
      this.opened++;
    }
  }

  /** Opens another one for each that is closed, at once and until the end. */
  reopen(): void {
    for (let number = 0; number < CONNECTIONS; number++) void this.#again();
  }

  async #again() {
    while (!this.#isOver) {
      const connection = await dial(this.#address).catch(() => undefined);
      if (!connection) {
        await pause(1);
        continue;
      }
      this.opened++;
      this.#open.add(connection);
      await connection.read(new Uint8Array(1)).catch(() => {});
      this.#close(connection);
    }
  }

  #close(connection: Deno.Conn) {
    if (!this.#open.delete(connection)) return;
    connection.close();
  }

  [Symbol.dispose]() {
    this.#isOver = true;
    for (const connection of this.#open) this.#close(connection);
  }
}

/** Time until a listener serves, or was waited for too long, in ms. */
async function untilServed(
  agent: AttackedAgent,
  address: Address,
): Promise<number> {
  const began = performance.now();
  while (!await isServing(address)) {
    assert.ok(!agent.hasEnded, "the agent has ended");
    if (performance.now() - began > LONGEST_WAIT_MS) break;
    await pause(20);
  }
  return performance.now() - began;
}

async function withAgent(
  attack: (agent: AttackedAgent) => Promise<void>,
): Promise<void> {
  const workshop = new Workshop();
  try {
    await using agent = await startAttacked(workshop, DESCRIPTORS);
    await attack(agent);
  } finally {
    await workshop.close();
  }
}

async function assertServed(
  agent: AttackedAgent,
  listeners: readonly Address[],
  when: string,
) {
  for (const address of listeners) {
    const took = await untilServed(agent, address);
    assert.ok(
      took <= LONGEST_WAIT_MS,
      `${address} served after ${took.toFixed()} ms, ${when}`,
    );
  }
}

for (
  const [at, name] of ["the socket", "the secrets socket", "TCP"].entries()
) {
  Deno.test(`every listener serves beside a client that holds all descriptors through ${name}`, async () => {
    await withAgent(async (agent) => {
      using attacker = new Attacker(agent.listeners[at]!);
      for (let round = 0; round < 3; round++) {
        await attacker.hold();
        await assertServed(agent, agent.listeners, `round ${round}`);
      }
      assert.equal(attacker.opened, 3 * CONNECTIONS);
    });
  });

  Deno.test(`other listeners serve beside a client that reopens ${name} without pause, and it does after`, async () => {
    await withAgent(async (agent) => {
      const attacked = agent.listeners[at]!;
      const others = agent.listeners.filter((other) => other !== attacked);
      const attacker = new Attacker(attacked);
      try {
        attacker.reopen();
        for (let look = 0; look < 10; look++) {
          await assertServed(agent, others, `look ${look}`);
          await pause(100);
        }
        await eventually(
          "its connections are dropped, and come again",
          () => attacker.opened > 2 * CONNECTIONS || undefined,
        );
      } finally {
        attacker[Symbol.dispose]();
      }
      await assertServed(agent, agent.listeners, "after it");
    });
  });
}
