import * as z from "zod/mini";

/**
 * What is wrong with a node, as its agent tells the control plane: in the
 * member `agent` of each heartbeat where that was announced at registration,
 * otherwise as report `plexd.health`.
 *
 * @see design, section 9
 */
export const agentHealthSchema = z.object({
  status: z.enum(["ok", "degraded"]),
  reasons: z.array(z.object({
    reason: z.string(),
    /** RFC 3339 text in UTC. */
    since: z.string(),
    detail: z.string(),
  })),
  /** Repairs of the store; absent without any. */
  recoveries: z.optional(z.object({
    count: z.int(),
    last: z.object({ at: z.string(), file: z.string(), what: z.string() }),
  })),
});

/** Checked by {@linkcode agentHealthSchema}. */
export type AgentHealth = z.infer<typeof agentHealthSchema>;
