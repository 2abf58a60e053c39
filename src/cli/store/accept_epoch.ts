import { acceptEpoch } from "../../agent/accept_epoch.ts";
import { asCommandError } from "../agent_failure.ts";
import { EXIT, type Invocation } from "../command.ts";

/** `plexd store accept-epoch`: confirms that the control plane was restored. */
export async function storeAcceptEpoch(
  invocation: Invocation,
): Promise<number> {
  const { print, stop, version } = invocation;
  const config = await invocation.config();
  const io = invocation.platform(config);
  try {
    print(
      await invocation.progress(
        "Asking the control plane",
        () => acceptEpoch({ config, io, version, stop }),
      ),
    );
  } catch (error) {
    throw asCommandError(error, config);
  }
  return EXIT.fine;
}
