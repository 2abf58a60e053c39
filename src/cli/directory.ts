import { isoTime } from "../platform/clock.ts";
import { lossOf, type PeerObservation } from "../store/peer_cache.ts";
import { rawElements } from "../wire/raw_json.ts";
import type { Invocation } from "./command.ts";
import { showStored } from "./stored_list.ts";

/**
 * `plexd peers`: the other nodes that this one knows, and how they were found
 * to be where anybody looked. Read from the store: the local API must not tell
 * workloads where peers are.
 */
export async function peers(invocation: Invocation): Promise<number> {
  return await showStored(invocation, ({ state, observations, changedMs }) => {
    const isObserved = state.peers.some(({ id }) => observations.has(id));
    return {
      name: "peers",
      json: JSON.stringify(state.peers.map((peer) => ({
        id: peer.id,
        public_key: peer.publicKey,
        mesh_ip: peer.meshIp,
        endpoint: peer.endpoint,
        allowed_ips: peer.allowedIps,
        observed: observedMembers(observations.get(peer.id)),
      }))),
      changedMs: changedMs.directory,
      head: [
        ...["ID", "MESH IP", "ENDPOINT", "PUBLIC KEY", "ALLOWED IPS"],
        ...(isObserved ? ["LAST ANSWER", "LATENCY", "LOSS", "SCORE"] : []),
      ],
      rows: state.peers.map((peer) => [
        peer.id,
        peer.meshIp,
        peer.endpoint || "-",
        peer.publicKey,
        peer.allowedIps.join(",") || "-",
        ...(isObserved ? observedCells(observations.get(peer.id)) : []),
      ]),
      none: "this node knows no peers",
    };
  });
}

/** What was never observed is left out, instead of being zero. */
function observedMembers(observation: PeerObservation | undefined) {
  if (!observation) return undefined;
  const { lastSuccessMs, latencyMs, configVersion } = observation;
  return {
    last_tried_at: isoTime(observation.lastTriedMs),
    last_success_at: lastSuccessMs === undefined
      ? undefined
      : isoTime(lastSuccessMs),
    latency_ms: latencyMs,
    loss: lossOf(observation),
    score: observation.score,
    config_version: configVersion,
    failures: observation.failures.map(({ atMs, reason }) => ({
      at: isoTime(atMs),
      reason,
    })),
  };
}

function observedCells(observation: PeerObservation | undefined): string[] {
  if (!observation) return ["-", "-", "-", "-"];
  const { lastSuccessMs, latencyMs, score } = observation;
  return [
    lastSuccessMs === undefined ? "never" : isoTime(lastSuccessMs),
    latencyMs === undefined ? "-" : `${latencyMs.toFixed(1)} ms`,
    `${Math.round(100 * lossOf(observation))} %`,
    score.toFixed(2),
  ];
}

/** `plexd policies`: the policies that hold for this node, rules as received. */
export async function policies(invocation: Invocation): Promise<number> {
  return await showStored(invocation, ({ state, changedMs }) => ({
    name: "policies",
    json: `[${
      state.policies.map(({ id, rules }) =>
        `{"id":${JSON.stringify(id)},"rules":${rules}}`
      ).join(",")
    }]`,
    changedMs: changedMs.directory,
    head: ["ID", "RULES"],
    rows: state.policies.flatMap(({ id, rules }) => {
      const lines = rules === "null" ? [] : rawElements(rules);
      if (lines.length === 0) return [[id, "none"]];
      return lines.map((rule, at) => [at === 0 ? id : "", rule]);
    }),
    none: "no policy holds for this node",
  }));
}

/** `plexd sessions`: SSH sessions that were asked for; plexd opens none. */
export async function sessions(invocation: Invocation): Promise<number> {
  return await showStored(invocation, (stored) => ({
    name: "sessions",
    json: JSON.stringify(stored.sessions.map((session) => ({
      session_id: session.sessionId,
      target: session.target ?? null,
      requested_at: session.requestedAt ?? null,
      expires_at: session.expiresAt ?? null,
      revoked_at: session.revokedAt ?? null,
      status: "unsupported",
    }))),
    changedMs: stored.changedMs.sessions,
    head: ["SESSION", "TARGET", "REQUESTED", "EXPIRES", "REVOKED"],
    rows: stored.sessions.map((session) => [
      session.sessionId,
      session.target ?? "-",
      session.requestedAt ?? "-",
      session.expiresAt ?? "-",
      session.revokedAt ?? "-",
    ]),
    none: "no SSH session was ever asked for",
  }));
}
