import { LISTENERS, startAgent } from "./agent_under_load.ts";
import type { Bench } from "./bench.ts";
import { besideFloor } from "./beside_floor.ts";
import { clients, CONNECTIONS, measuredOf, subjectsOf } from "./load_rows.ts";
import { ENTRY_PATH, STATE_PATH } from "./reads.ts";

const ROUND_MS = 1_000;

const READS = [
  { name: "entry", what: "one entry", path: ENTRY_PATH },
  { name: "state", what: "/v1/state", path: STATE_PATH },
] as const;

/** Reads over both listeners, beside a bare server with the same answer. */
export const localApi: readonly Bench[] = LISTENERS.flatMap((listener) =>
  READS.flatMap((read) =>
    CONNECTIONS.map((connections): Bench => ({
      subjects: subjectsOf(
        `${listener.name}-${read.name}-${connections}`,
        `${listener.what}, ${read.what}, ${clients(connections)}`,
      ),
      async measure(workshop) {
        const { server, bearer, stop } = await startAgent(
          workshop,
          listener.isTcp,
        );
        const turns = await besideFloor(workshop, server, {
          path: read.path,
          connections,
          ms: ROUND_MS,
          ...bearer,
        });
        await stop();
        return measuredOf(turns);
      },
    }))
  )
);
