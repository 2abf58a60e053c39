import { openStore } from "../../agent/open_store.ts";
import { planMigration } from "../../store/plan_migration.ts";
import { asCommandError, asHeldError } from "../agent_failure.ts";
import { EXIT, type Invocation } from "../command.ts";
import { printFindings } from "./findings.ts";

const NOTHING = "nothing to migrate";

/**
 * `plexd store migrate`: brings what older agents have left into the present
 * layout, as the start of the agent would.
 */
export async function storeMigrate(invocation: Invocation): Promise<number> {
  const config = await invocation.config();
  const io = invocation.platform(config);
  const isRehearsal = invocation.flags["--dry-run"] === true;
  const plan = await planMigration(config.data_dir, config.cluster)
    .catch((error: unknown) => {
      throw asCommandError(error, config);
    });
  try {
    if (!isRehearsal && plan.length > 0) {
      await using store = await openStore(config, io, invocation.version);
      const identity = await store.identity.load();
      if (identity) await store.credentials.take(identity);
      identity?.privateKey.fill(0);
    }
  } catch (error) {
    throw asHeldError(error, config);
  }
  const repairHead = isRehearsal ? "WOULD BE DONE" : "DONE";
  const text = { repairHead, none: NOTHING };
  await printFindings(invocation, plan, text, { dry_run: isRehearsal });
  return EXIT.fine;
}
