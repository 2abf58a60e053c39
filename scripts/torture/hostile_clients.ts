import { Workshop } from "../bench/workshop.ts";
import {
  type Address,
  type AttackedAgent,
  dial,
  GOOD,
  isServing,
  pause,
  startAttacked,
} from "./attacked_agent.ts";
import type { Figures } from "./figures.ts";

const encoder = new TextEncoder();

/** Longest that anybody else may have to wait, in ms. */
const LONGEST_WAIT_MS = 2_000;

/** Looks while an attack goes on. */
const LOOKS = 40;

/**
 * Hundreds of clients that are silent, that send a byte now and then, or that
 * ask and never read, on every listener: others must be served meanwhile.
 */
export async function slowClients(
  figures: Figures,
  clients: number,
): Promise<void> {
  const workshop = new Workshop();
  const open: Deno.Conn[] = [];
  const dripping: Promise<void>[] = [];
  let isOver = false;
  try {
    await using agent = await startAttacked(workshop);
    for (let number = 0; number < clients; number++) {
      const address = agent.listeners[number % agent.listeners.length]!;
      const connection = await dial(address);
      open.push(connection);
      if (number % 9 < 3) continue;
      if (number % 9 < 6) dripping.push(drip(connection, () => isOver));
      else {
        connection.write(encoder.encode(GOOD.repeat(200))).catch(() => {});
      }
    }
    figures.slowClients += clients;
    await lookAt(agent, figures, `beside ${clients} slow clients`);
    isOver = true;
    closeAll(open);
    await recovered(agent, figures, "slow clients");
  } finally {
    isOver = true;
    closeAll(open);
    await Promise.all(dripping);
    await workshop.close();
  }
}

/**
 * More connections than an agent may have descriptors, again and again: others
 * must be served at least now and then, and always once it is over.
 */
export async function exhaustion(
  figures: Figures,
  rounds: number,
): Promise<void> {
  const workshop = new Workshop();
  const open: Deno.Conn[] = [];
  try {
    await using agent = await startAttacked(workshop, 200);
    for (let round = 0; round < rounds; round++) {
      const address = agent.listeners[round % 2]!;
      for (let number = 0; number < 260; number++) {
        const connection = await dial(address).catch(() => undefined);
        if (!connection) break;
        open.push(connection);
      }
      figures.exhaustions++;
      await recovered(agent, figures, `exhaustion ${round + 1}, held`);
      closeAll(open);
      await recovered(agent, figures, `exhaustion ${round + 1}, over`);
    }
  } finally {
    closeAll(open);
    await workshop.close();
  }
}

/** Each listener must answer every time, and soon. */
async function lookAt(agent: AttackedAgent, figures: Figures, when: string) {
  const waits: number[] = [];
  for (let look = 0; look < LOOKS; look++) {
    for (const address of agent.listeners) {
      const began = performance.now();
      if (!await isServing(address)) {
        figures.broken.push(`${address} does not serve ${when}`);
      }
      waits.push(performance.now() - began);
    }
    await pause(50);
  }
  const longest = Math.max(...waits);
  if (longest > LONGEST_WAIT_MS) {
    figures.broken.push(`${longest.toFixed()} ms for an answer ${when}`);
  }
  figures.notes.push(`longest wait ${when}: ${longest.toFixed(1)} ms`);
}

/** Each listener must answer again within the time that others may wait. */
async function recovered(
  agent: AttackedAgent,
  figures: Figures,
  after: string,
) {
  const began = performance.now();
  for (const address of agent.listeners) {
    await untilServed(agent, address);
  }
  const took = performance.now() - began;
  figures.longestOutageMs = Math.max(figures.longestOutageMs, took);
  if (agent.hasEnded) figures.broken.push(`the agent ended: ${after}`);
  else if (took > LONGEST_WAIT_MS) {
    figures.broken.push(`${took.toFixed()} ms until served: ${after}`);
  }
}

async function untilServed(agent: AttackedAgent, address: Address) {
  for (let tries = 0; tries < 200; tries++) {
    if (agent.hasEnded || await isServing(address)) return;
    await pause(50);
  }
}

async function drip(connection: Deno.Conn, isOver: () => boolean) {
  try {
    for (let at = 0; !isOver(); at++) {
      await connection.write(encoder.encode(GOOD[at % 40]));
      await pause(1_000);
    }
  } catch {
    // The agent has had enough of it.
  }
}

function closeAll(connections: Deno.Conn[]) {
  for (const connection of connections.splice(0)) {
    try {
      connection.close();
    } catch {
      // The agent was faster.
    }
  }
}
