import { EXIT, type Invocation } from "../command.ts";
import { runDev } from "./dev.ts";

/** `plexd dev` */
export async function dev(invocation: Invocation): Promise<number> {
  const { flags, print, stop } = invocation;
  const dataDir = flags["--data-dir"];
  const code = await runDev({
    ...(typeof dataDir === "string" ? { dataDir } : {}),
    tour: flags["--tour"] === true,
    clock: invocation.platform().clock,
    print,
    stop,
  });
  return code === 0 ? EXIT.fine : EXIT.failed;
}
