import { machineSeal } from "../../agent/machine_seal.ts";
import { openStore } from "../../agent/open_store.ts";
import { noteDiagnostics } from "../../store/agent_state.ts";
import { repairMembership } from "../../store/repair.ts";
import { AlreadyRunningError } from "../../store/store_errors.ts";
import { SILENT } from "../../store/survey.ts";
import { asHeldError } from "../agent_failure.ts";
import { EXIT, type Invocation } from "../command.ts";
import { printFindings } from "./findings.ts";
import { surveyed } from "./verify.ts";

const NOTHING = "nothing to repair";

/** `plexd store repair`: does what the start of the agent would do. */
export async function storeRepair(invocation: Invocation): Promise<number> {
  const config = await invocation.config();
  const io = invocation.platform(config);
  const { data_dir: dataDir, cluster } = config;
  // Also says so when there is nothing that could be repaired.
  const { findings, unchecked, holder } = await invocation.progress(
    "Looking at every file",
    () => surveyed(config, io),
  );
  if (holder) {
    const folder = `${dataDir}/clusters/${cluster}`;
    const error = new AlreadyRunningError(folder, holder);
    throw asHeldError(error, config);
  }
  if (invocation.flags["--dry-run"] === true) {
    for (const one of unchecked) invocation.complain(`plexd: left out ${one}`);
    const text = { repairHead: "WOULD BE DONE", none: NOTHING };
    await printFindings(invocation, findings, text, { dry_run: true });
    return EXIT.fine;
  }
  try {
    const { repaired, left } = await invocation.progress(
      "Repairing",
      () =>
        repairMembership({
          dataDir,
          cluster,
          seal: machineSeal(config, io.random),
          clock: io.clock,
          open: (recovered) =>
            openStore(config, io, invocation.version, recovered),
        }),
    );
    // What an earlier look has found is not so any more.
    noteDiagnostics(
      { dataDir, ...io, log: SILENT },
      { kind: "store_verify", outcome: left.length === 0 ? "ok" : "findings" },
    );
    const text = { repairHead: "DONE", none: NOTHING };
    await printFindings(invocation, [...repaired, ...left], text, {
      dry_run: false,
      left,
    });
    return left.length === 0 ? EXIT.fine : EXIT.failed;
  } catch (error) {
    throw asHeldError(error, config);
  }
}
