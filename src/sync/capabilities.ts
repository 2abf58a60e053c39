import type { Capabilities } from "../wire/bodies.ts";

/** An executable that the operator allows the control plane to run. */
export type Hook = Capabilities["hooks"][number];

/** What the capabilities of this node are made of. */
export interface CapabilitySources {
  readonly version: string;
  /** SHA-256 of the running program in hex; empty when it is not known. */
  readonly binarySha256: () => Promise<string>;
  readonly hooks: () => Promise<readonly Hook[]>;
}

/**
 * What this node can do. The actions that the public agent has built in are not
 * among it.
 *
 * @see docs/wire.md, section a.6 "Capabilities"
 */
export async function capabilitiesOf(
  { version, binarySha256, hooks }: CapabilitySources,
): Promise<Capabilities> {
  return {
    binary: { version, checksum: await binarySha256() },
    builtin_actions: [],
    hooks: (await hooks()).toSorted((a, b) => a.name < b.name ? -1 : 1),
  };
}
