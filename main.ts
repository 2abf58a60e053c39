import { runCli } from "./src/cli/cli.ts";

Deno.exit(await runCli(Deno.args));
