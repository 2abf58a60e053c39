import { makeRow, type Row } from "../row.ts";
import type { Crew } from "./crew_process.ts";
import type { SimulatedNode } from "./requests.ts";
import type { Server } from "./servers.ts";

/** Calls that are under way at once. */
const CONNECTIONS = 32;

/** What calls are measured with. */
export interface Setting {
  readonly crew: Crew;
  readonly plane: Server;
  readonly bare: Server;
  readonly loadMs: number;
}

/** Pulls, cold and with the tag of the state that the node has; heartbeats. */
export async function measureCalls(
  { crew, plane, bare, loadMs: ms }: Setting,
  peers: number,
  nodes: readonly SimulatedNode[],
): Promise<Row[]> {
  const load = { nodes, connections: CONNECTIONS, ms };
  const text = peers.toLocaleString("en-US");
  const rows: Row[] = [];
  for (const withEtag of [false, true]) {
    const details = { ...load, withEtag };
    const figure = await crew.tell("pulls", {
      ...details,
      target: plane.target,
    });
    const floor = await crew.tell("pulls", {
      ...details,
      target: bare.target,
      bytes: figure.bytes,
    });
    rows.push(makeRow({
      name: `pull-${peers}${withEtag ? "-known" : ""}`,
      what: `state pulls with ${text} peers, ` +
        (withEtag ? "matching ETag" : "cold"),
      unit: "/s",
    }, { value: figure.rate, floor: floor.rate }));
  }
  const figure = await crew.tell("heartbeats", {
    ...load,
    target: plane.target,
  });
  const floor = await crew.tell("heartbeats", { ...load, target: bare.target });
  rows.push(makeRow({
    name: `heartbeat-${peers}`,
    what: `heartbeats, domain of ${text} nodes`,
    unit: "/s",
  }, { value: figure.rate, floor: floor.rate }));
  return rows;
}

/** Registrations into a domain without nodes. */
export async function measureRegistrations(
  { crew, plane, bare }: Setting,
  tokens: readonly string[],
): Promise<Row> {
  const details = { tokens, connections: CONNECTIONS };
  const figure = await crew.tell("registrations", {
    ...details,
    target: plane.target,
  });
  const floor = await crew.tell("registrations", {
    ...details,
    target: bare.target,
  });
  const text = tokens.length.toLocaleString("en-US");
  return makeRow({
    name: "register",
    what: `${text} registrations into one domain`,
    unit: "/s",
  }, { value: figure.rate, floor: floor.rate });
}
