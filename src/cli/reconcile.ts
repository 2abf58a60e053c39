import { ReconcileError, reconcileNow } from "../agent/reconcile.ts";
import { membershipPaths } from "../store/folders.ts";
import { lockHolder } from "../store/lock.ts";
import { asCommandError } from "./agent_failure.ts";
import { CommandError, EXIT, type Invocation } from "./command.ts";
import { counted } from "./output/counted.ts";
import { outputForm, show } from "./output/show.ts";
import { type Cell, table } from "./output/table.ts";
import { reading } from "./stored_membership.ts";

/** `plexd reconcile`: pulls the state now, and prints what changed. */
export async function reconcile(invocation: Invocation): Promise<number> {
  const config = await invocation.config();
  const io = invocation.platform(config);
  const { data_dir: dataDir, cluster } = config;
  const { root } = membershipPaths(dataDir, cluster);
  if (!reading(dataDir, () => lockHolder(root))) {
    throw new CommandError(
      EXIT.agentNotRunning,
      `no agent is running for membership "${cluster}" in ${dataDir}`,
      'start it with "plexd up": it pulls the state at its start',
    );
  }
  const { stop } = invocation;
  try {
    const { changes, total } = await invocation.progress(
      "Pulling the state",
      () => reconcileNow({ config, io, stop }),
    );
    if (outputForm(invocation) === "table") {
      invocation.complain(
        total === 0
          ? "plexd: pulled; nothing changed"
          : `plexd: pulled; ${counted(total, "change")}` +
            (total > changes.length ? `, the first ${changes.length}:` : ""),
      );
    }
    await show(invocation, {
      json: JSON.stringify({ changes, total }),
      table: (screen) =>
        changes.length === 0 ? "" : table(
          screen,
          ["KIND", "KEY", "CHANGE", "VERSION"],
          changes.map(({ kind, key, change, version }): Cell[] => [
            kind,
            key,
            change,
            version === undefined ? "-" : String(version),
          ]),
        ),
    });
    return EXIT.fine;
  } catch (error) {
    if (!(error instanceof ReconcileError)) throw asCommandError(error, config);
    throw new CommandError(
      error.kind === "unavailable" ? EXIT.controlPlaneUnavailable : EXIT.failed,
      `the state could not be pulled: ${error.message}`,
      error.kind === "unavailable"
        ? '"plexd ping" tries each address of the control plane'
        : '"plexd why" tells more; the state is as it was',
    );
  }
}
