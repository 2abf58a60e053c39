import type { Choice } from "./choices.ts";
import type { Session } from "./session.ts";

/** The terminal of this process. */
export interface ThisTerminal {
  /** Absent where there is none; looked for only if anything was ever chosen. */
  readonly session?: Session;
  /** What was chosen in it. */
  readonly choice?: Choice;
}
