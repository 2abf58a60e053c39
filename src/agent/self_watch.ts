import { isoTime } from "../platform/clock.ts";
import type { Part } from "../platform/part.ts";
import type { HealthRecord } from "../store/health_store.ts";
import type { StatusDocument } from "../wire/status.ts";
import { followCanaryGroup } from "./canary_group.ts";
import type { Downstream } from "./downstream.ts";
import { IdentityWatch } from "./identity_watch.ts";
import type { NodeContext } from "./node_context.ts";
import { openDescriptors } from "./open_descriptors.ts";
import { resourceStatus, ResourceWatch } from "./resource_watch.ts";

/** What the agent watches about itself. */
export interface SelfWatch {
  readonly parts: readonly Part[];
  /** For the health that is kept on disk. */
  health(): Pick<HealthRecord, "resources" | "safeUntil">;
  status(): Pick<StatusDocument, "identity" | "resources" | "safe_until">;
}

/** Puts together what watches identity, resources and rollout. */
export function buildSelfWatch(
  context: NodeContext,
  { signed }: Downstream,
): SelfWatch {
  const { config, io } = context;
  const identity = new IdentityWatch(
    context,
    () => signed.bundles.revokedKeyIds,
  );
  const resources = new ResourceWatch({
    dataDir: config.data_dir,
    descriptors: () => openDescriptors(context.kernel),
    readText: (path) => context.kernel.read(path),
    io,
  });
  // A node that may serve what has expired has no such deadline.
  const safeUntil = () => {
    const { active } = signed.lifetime;
    return active && config["trust.on_expiry"] === "refuse"
      ? isoTime(active.expiresAtMs)
      : undefined;
  };
  return {
    parts: [identity, resources, followCanaryGroup(context)],
    health() {
      const { last } = resources;
      const until = safeUntil();
      return {
        ...(last ? { resources: last } : {}),
        ...(until === undefined ? {} : { safeUntil: until }),
      };
    },
    status: () => ({
      identity: identity.status(),
      resources: resourceStatus(resources.last),
      safe_until: safeUntil() ?? null,
    }),
  };
}
