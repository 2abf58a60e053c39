import { makeRow, type Row } from "../row.ts";
import type { Setting } from "./measure_calls.ts";
import type { SimulatedNode } from "./requests.ts";

/** Stops the server under its nodes and starts it again at once. */
export async function measureReturn(
  { crew, plane }: Setting,
  nodes: readonly SimulatedNode[],
): Promise<Row[]> {
  await crew.tell("prepareReturn", { target: plane.target, nodes });
  await plane.stop();
  const [returned] = await Promise.all([
    crew.tell("awaitReturn", {}),
    plane.start(),
  ]);
  const text = nodes.length.toLocaleString("en-US");
  return [
    makeRow({
      name: "return-peak",
      what: `return of ${text} nodes, peak over mean of a second`,
      unit: "",
      goal: { relation: "<=", bound: 3 },
    }, { value: returned.peakOverMean, floor: null }),
    makeRow({
      name: "return-time",
      what: `return of ${text} nodes, until all are current`,
      unit: "s",
    }, { value: returned.seconds, floor: null }),
    makeRow({
      name: "return-failed",
      what: `return of ${text} nodes, attempts in vain`,
      unit: "",
    }, { value: returned.failed, floor: null }),
  ];
}
