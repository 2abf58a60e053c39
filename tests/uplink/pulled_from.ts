import assert from "node:assert/strict";
import type { NodeUplink } from "../../src/uplink/node_uplink.ts";
import type { DesiredState } from "../../src/wire/state.ts";

/** The state of a control plane that signs none. */
export async function pulledFrom(
  uplink: Pick<NodeUplink, "pullState">,
  signal: AbortSignal = new AbortController().signal,
): Promise<DesiredState> {
  const answer = await uplink.pullState(undefined, signal);
  assert.equal(answer.kind, "plain");
  return (answer as { readonly state: DesiredState }).state;
}
