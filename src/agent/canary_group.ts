import { aborted } from "../platform/aborted.ts";
import { describeError } from "../platform/log.ts";
import type { Part } from "../platform/part.ts";
import type { Membership } from "../store/membership.ts";
import type { NodeContext } from "./node_context.ts";

/** Metadata key in which the control plane assigns a part of a rollout. */
export const CANARY_KEY = "plexd.canary_group";

/** What {@linkcode followCanaryGroup} works with. */
type FollowContext = Pick<NodeContext, "io"> & {
  readonly store: Pick<Membership, "state" | "updates">;
};

/** Keeps the node's part of a rollout as its metadata says. */
export function followCanaryGroup({ store, io }: FollowContext): Part {
  const look = () => {
    try {
      store.updates.assign(store.state.view.metadata.get(CANARY_KEY));
    } catch (error) {
      io.log.debug("The part of a rollout is not stored", {
        error: describeError(error),
      });
    }
  };
  return {
    name: "canary_group",
    async run(signal) {
      let former = store.state.view.metadata.get(CANARY_KEY);
      look();
      const end = store.state.onChange(() => {
        // Looking reads a file: only when there may be news.
        const next = store.state.view.metadata.get(CANARY_KEY);
        if (next === former) return;
        former = next;
        look();
      });
      await aborted(signal);
      end();
    },
  };
}
