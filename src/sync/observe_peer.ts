import {
  type FailureReason,
  FAILURES_KEPT,
  type PeerObservation,
  TRIES_KEPT,
} from "../store/peer_cache.ts";
import type { StatePosition } from "../wire/state.ts";

/** How one try to reach a peer went. */
export type ProbeResult =
  | { readonly answered: true; readonly latencyMs: number }
  | { readonly answered: false; readonly reason: FailureReason };

/** How much the latest try counts for the score, and for the latency. */
const SCORE_WEIGHT = 0.25;
const LATENCY_WEIGHT = 0.125;

/** What one try was about. */
export interface Try {
  readonly peerId: string;
  /** Ms since the Unix epoch. */
  readonly atMs: number;
  /** State of this node at that time. */
  readonly position?: StatePosition;
}

/** What is known of a peer after one more try. */
export function observePeer(
  before: PeerObservation | undefined,
  { peerId, atMs, position }: Try,
  result: ProbeResult,
): PeerObservation {
  const tries = ((before?.tries ?? "") + (result.answered ? "1" : "0"))
    .slice(-TRIES_KEPT);
  const goal = result.answered ? 1 : 0;
  const score = moved(before?.score, goal, SCORE_WEIGHT);
  const common = {
    ...before,
    peerId,
    lastTriedMs: atMs,
    tries,
    score: round(score),
    failures: before?.failures ?? [],
  };
  if (!result.answered) {
    const failure = { atMs, reason: result.reason };
    return {
      ...common,
      failures: [...common.failures, failure].slice(-FAILURES_KEPT),
    };
  }
  const { latencyMs } = result;
  return {
    ...common,
    lastSuccessMs: atMs,
    latencyMs: round(moved(before?.latencyMs, latencyMs, LATENCY_WEIGHT)),
    ...(position
      ? {
        configVersion: { epoch: position.epoch, version: position.version },
      }
      : {}),
  };
}

/** From the first value on, each next one moves it by its weight. */
function moved(from: number | undefined, to: number, weight: number): number {
  return from === undefined ? to : from + (to - from) * weight;
}

/** More digits would say more than is known. */
function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
