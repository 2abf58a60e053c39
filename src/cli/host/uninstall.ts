import { uninstall as uninstallFrom } from "../../host/uninstall.ts";
import { EXIT, type Invocation } from "../command.ts";
import { hostFailure, placesOf, stepsOf } from "./host_options.ts";

/** `plexd uninstall`: removes what was installed; with `--purge`, everything. */
export async function uninstall(invocation: Invocation): Promise<number> {
  const { flags, print } = invocation;
  const steps = stepsOf(invocation);
  try {
    await uninstallFrom({
      places: placesOf(invocation),
      steps,
      purge: flags["--purge"] === true,
    });
  } catch (error) {
    throw hostFailure(error);
  }
  if (!steps.isRehearsal) print("plexd is uninstalled");
  return EXIT.fine;
}
