import { keyFingerprint } from "../store/credentials_file.ts";
import type { Reconciler } from "../sync/reconciler.ts";
import { bearerFor } from "../uplink/bearer.ts";
import type { NodeContext } from "./node_context.ts";

/** Has the check hear of the answers to this node, and pull when it is asked. */
export function watchLogin(
  { login, identity, store }: Pick<
    NodeContext,
    "login" | "identity" | "store"
  >,
  reconciler: Pick<Reconciler, "pullNow">,
): void {
  const { dialect, nodeId, nodeSecretKey } = identity;
  login.use({
    bearer: bearerFor(dialect, nodeId, nodeSecretKey),
    fingerprint: keyFingerprint(nodeSecretKey),
    ask: (signal) => reconciler.pullNow(signal),
    changed: (from, to) =>
      store.transitions.note("credential", { reason: `${from} to ${to}` }),
  });
}
