/** Kinds of network address translation that a node can be behind. */
export const NAT_TYPES = [
  "none",
  "full_cone",
  "symmetric",
  "unknown",
] as const;

export type NatType = typeof NAT_TYPES[number];
