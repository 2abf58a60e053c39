import type { Dialect } from "../../wire/dialect.ts";
import { CommandError, EXIT, type Invocation } from "../command.ts";
import { runDev } from "./dev.ts";

function dialectOf(flag: string | boolean | undefined): Dialect {
  if (flag === undefined || flag === "1") return 1;
  if (flag === "2") return 2;
  throw new CommandError(EXIT.wrongUsage, "--dialect is 1 or 2");
}

/** `plexd dev` */
export async function dev(invocation: Invocation): Promise<number> {
  const { flags, print, stop } = invocation;
  const dataDir = flags["--data-dir"];
  const code = await runDev({
    ...(typeof dataDir === "string" ? { dataDir } : {}),
    tour: flags["--tour"] === true,
    dialect: dialectOf(flags["--dialect"]),
    clock: invocation.platform().clock,
    print,
    stop,
  });
  return code === 0 ? EXIT.fine : EXIT.failed;
}
