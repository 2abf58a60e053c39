import type { AgentHealth } from "../wire/agent_health.ts";
import type { StatusReason } from "../wire/status.ts";

/** A repair of the store. */
export interface ToldRecovery {
  /** RFC 3339 text. */
  readonly at: string;
  readonly file: string;
  readonly what: string;
}

/** As many as a report of dialect 2 takes. @see docs/wire.md, section h.6 */
const LONGEST_BYTES = 4_096;
const LONGEST_DETAIL = 160;

/**
 * What the control plane is told of the node's health, in a bounded size.
 *
 * @param recoveries Repairs of the store that are remembered, oldest first.
 */
export function agentHealth(
  reasons: readonly StatusReason[],
  recoveries: readonly ToldRecovery[],
): AgentHealth {
  const whole: AgentHealth = {
    status: reasons.length === 0 ? "ok" : "degraded",
    reasons: reasons.map(({ reason, since, detail }) => ({
      reason,
      since,
      detail: start(detail),
    })),
    ...recoveriesOf(recoveries),
  };
  const bytes = new TextEncoder().encode(JSON.stringify(whole)).length;
  if (bytes <= LONGEST_BYTES) return whole;
  return {
    ...whole,
    reasons: whole.reasons.map((reason) => ({ ...reason, detail: "" })),
  };
}

/** How many repairs are remembered, and the last one; nothing without any. */
function recoveriesOf(
  recoveries: readonly ToldRecovery[],
): Pick<AgentHealth, "recoveries"> {
  const last = recoveries.at(-1);
  if (!last) return {};
  const { at, file, what } = last;
  return {
    recoveries: {
      count: recoveries.length,
      last: { at, file: start(file), what: start(what) },
    },
  };
}

function start(text: string): string {
  return text.slice(0, LONGEST_DETAIL).toWellFormed();
}
