import { BEARER, startAgent } from "./agent_under_load.ts";
import type { Bench } from "./bench.ts";
import { cannedFrom, loadInTurns } from "./beside_floor.ts";
import { ask } from "./http_probe.ts";
import { clients, CONNECTIONS, measuredOf, subjectsOf } from "./load_rows.ts";
import { ENTRY_PATH } from "./reads.ts";
import { mediansOf } from "./row.ts";
import { freeAddress, startFloor, startGuarded } from "./running_node.ts";

const ROUND_MS = 1_000;

/** A bare server behind the guard of TCP, beside one without it. */
export const guard: readonly Bench[] = CONNECTIONS.map((connections) => {
  const name = `guard-${connections}`;
  const what = `guard alone, one entry, ${clients(connections)}`;
  return {
    subjects: [...subjectsOf(name, what), {
      name: `${name}-added`,
      what: `${what}, CPU it adds`,
      unit: "µs",
    }],
    async measure(workshop) {
      const { server, stop } = await startAgent(workshop, false);
      const answer = cannedFrom(await ask(server.place, ENTRY_PATH));
      await stop();
      const floor = await startFloor(workshop, answer, freeAddress());
      const guarded = await startGuarded(workshop, answer);
      const turns = await loadInTurns(workshop, guarded, floor, {
        path: ENTRY_PATH,
        connections,
        ms: ROUND_MS,
        bearer: BEARER,
      });
      await guarded.process.stop();
      await floor.process.stop();
      const cpu = mediansOf(turns, ({ cpuUs }) => cpuUs);
      return [
        ...measuredOf(turns),
        { value: cpu.value - cpu.floor, floor: null },
      ];
    },
  };
});
