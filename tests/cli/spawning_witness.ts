/**
 * Runs one command line as main.ts does, and tells on the last line of standard
 * output, as JSON, whether programs could be started: at each use of the network
 * on the way, and in the end.
 *
 * @module
 */
import { runCli } from "../../src/cli/cli.ts";

const seen: string[] = [];
const state = () => Deno.permissions.querySync({ name: "run" }).state;

/** Puts a witness before a function of the runtime. */
function watch(holder: object, name: string): void {
  const real: unknown = Reflect.get(holder, name);
  if (typeof real !== "function") return;
  Reflect.set(holder, name, function (this: unknown, ...args: unknown[]) {
    seen.push(`${name}: ${state()}`);
    return Reflect.apply(real, this, args);
  });
}

for (const name of ["serve", "listen", "connect", "listenDatagram"]) {
  watch(Deno, name);
}
watch(globalThis, "fetch");

const code = await runCli(Deno.args);
let started: string;
try {
  new Deno.Command("true").outputSync();
  started = "yes";
} catch (error) {
  started = (error as Error).name;
}
Deno.stdout.writeSync(
  new TextEncoder().encode(`\n${JSON.stringify({ code, seen, started })}\n`),
);
Deno.exit(0);
