import type { ApiState, ApiStateView } from "../node_api/ports.ts";
import type { Membership } from "../store/membership.ts";
import { ControlError } from "../uplink/control_error.ts";
import type { SecretResponse } from "../wire/bodies.ts";
import type { Dialect } from "../wire/dialect.ts";
import type { SecretRef } from "../wire/state.ts";

/** What is known of the secrets of a node: names and versions. */
export interface SecretIndex {
  /** The node's state, with the secrets that are known. */
  readonly state: ApiState;
  /** Notes what comes of asking for a secret. */
  readonly asked: (
    key: string,
    answer: Promise<SecretResponse>,
  ) => Promise<SecretResponse>;
}

/**
 * The index that the control plane gives; in dialect 2, which has none, the
 * names of what was read before.
 */
export function secretIndex(
  { state, secretNames }: Pick<Membership, "state" | "secretNames">,
  dialect: Dialect,
): SecretIndex {
  if (dialect === 1) {
    // Learned by a former node.
    secretNames.reset();
    return { state, asked: (_key, answer) => answer };
  }
  let shown: ApiStateView | undefined;
  let made: { of: ApiStateView; with: readonly SecretRef[] } | undefined;
  const withNames: ApiState = {
    get view() {
      const { view } = state;
      const { refs } = secretNames;
      if (refs.length === 0 || view.secretRefs.length > 0) return view;
      // Bodies are built once for each view.
      if (!shown || made?.of !== view || made.with !== refs) {
        made = { of: view, with: refs };
        shown = Object.freeze({ ...view, secretRefs: refs });
      }
      return shown;
    },
  };
  return {
    state: withNames,
    async asked(key, answer) {
      try {
        const response = await answer;
        if (state.view.secretRefs.length > 0) secretNames.reset();
        else secretNames.learn({ key, version: response.version });
        return response;
      } catch (error) {
        const isGone = error instanceof ControlError &&
          error.kind === "not_found" && !error.isPage;
        if (isGone) secretNames.forget(key);
        throw error;
      }
    },
  };
}
