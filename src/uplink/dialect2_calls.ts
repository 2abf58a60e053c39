import { ENDPOINTS, ENDPOINTS_2 } from "../wire/endpoints.ts";
import type { NodeCalls } from "./node_calls.ts";

/** What dialect 2 has elsewhere, or not at all. */
type Elsewhere = "report" | "drift" | "executionAck" | "executionResult";

/** Every call of dialect 2. */
export const PLACES_2 = { ...ENDPOINTS, ...ENDPOINTS_2 } as const;

/** What can be called in dialect 2. */
export type Call2 = Exclude<keyof typeof PLACES_2, Elsewhere>;

/** The calls of one registered node in dialect 2. */
export type NodeCalls2 = NodeCalls<Call2>;
