// Opens a store, writes a report, and holds on until it is killed.
import { openStore } from "./open_store.ts";

const { store } = await openStore(Deno.args[0]!);
await store.reports.put("held", { contentType: "a/b", payload: "1" });
await Deno.stdout.write(new TextEncoder().encode("ready\n"));
await new Promise<void>(() => setInterval(() => {}, 60_000));
