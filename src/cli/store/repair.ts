import { machineSeal } from "../../agent/machine_seal.ts";
import { openStore } from "../../agent/open_store.ts";
import { repairMembership } from "../../store/repair.ts";
import { AlreadyRunningError } from "../../store/store_errors.ts";
import { asCommandError } from "../agent_failure.ts";
import { EXIT, type Invocation } from "../command.ts";
import { printFindings } from "./findings.ts";
import { surveyed } from "./verify.ts";

/** `plexd store repair`: does what the start of the agent would do. */
export async function storeRepair(invocation: Invocation): Promise<number> {
  const config = await invocation.config();
  const io = invocation.platform(config);
  const { data_dir: dataDir, cluster } = config;
  // Also says so when there is nothing that could be repaired.
  const { findings, unchecked, holder } = await surveyed(config, io);
  if (holder) {
    const folder = `${dataDir}/clusters/${cluster}`;
    const error = new AlreadyRunningError(folder, holder.pid);
    throw asCommandError(error, config);
  }
  if (invocation.flags["--dry-run"] === true) {
    for (const one of unchecked) invocation.complain(`plexd: left out ${one}`);
    printFindings(invocation, findings, "WOULD BE DONE", { dry_run: true });
    say(invocation, findings.length);
    return EXIT.fine;
  }
  try {
    const { repaired, left } = await repairMembership({
      dataDir,
      cluster,
      seal: machineSeal(config, io.random),
      clock: io.clock,
      open: (recovered) => openStore(config, io, invocation.version, recovered),
    });
    const all = [...repaired, ...left];
    printFindings(invocation, all, "DONE", { dry_run: false, left });
    say(invocation, all.length);
    return left.length === 0 ? EXIT.fine : EXIT.failed;
  } catch (error) {
    throw asCommandError(error, config);
  }
}

function say({ flags, print }: Invocation, count: number) {
  if (count === 0 && flags["--output"] !== "json") print("nothing to repair");
}
