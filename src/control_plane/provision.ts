import type { AuditSink, NodeRepo, RelationChecker } from "./gates/ports.ts";
import type { GatePorts } from "./gates/pass_gates.ts";
import { ProblemError } from "./http/problem.ts";
import type { SnapshotProvider } from "./state/snapshot_provider.ts";

/** What pull and stream stand on. Each may be missing; see {@linkcode provision}. */
export interface BusPorts {
  readonly relations: RelationChecker | undefined;
  readonly nodes: NodeRepo | undefined;
  readonly snapshots: SnapshotProvider | undefined;
  readonly audit: AuditSink | undefined;
}

/** Pull and stream with all that their security needs. */
export interface ProvisionedBus extends GatePorts {
  readonly snapshots: SnapshotProvider;
}

/** Pull or stream without a port that its security needs. */
export interface MissingPorts {
  readonly missing: readonly string[];
}

export type BusSurface = "events" | "state";

/** What a control plane can be started without, to see what it does then. */
export const WITHOUT = [
  "relation-checker",
  "storage",
  "snapshot",
  "audit",
  "events",
  "state",
] as const;
export type Without = typeof WITHOUT[number];

/**
 * Decides, when the server is built, whether pull and stream may be served: a
 * gap that shows only with the first call would be found in production. A
 * missing audit sink suppresses rows, and closes nothing.
 *
 * @see seed Reconciliation pull, "Composition root and the production wiring
 * receipt"
 */
export function provision(
  { relations, nodes, snapshots, audit }: BusPorts,
): ProvisionedBus | MissingPorts {
  if (relations && nodes && snapshots) {
    return { relations, nodes, snapshots, audit };
  }
  return {
    missing: [
      ...(relations ? [] : ["relation-checker"]),
      ...(nodes ? [] : ["storage"]),
      ...(snapshots ? [] : ["snapshot"]),
    ],
  };
}

/** The answer of a surface that is not there; before all gates. */
export function notProvisioned(): Promise<Response> {
  return Promise.reject(
    new ProblemError(501, "signed_event_bus_not_provisioned", {
      detail: "This control plane runs without what this call stands on",
    }),
  );
}
