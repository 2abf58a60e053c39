// Repairs a membership, or restores a backup into it, and says so. Arguments:
// folder, `repair` or the file of a backup.
import { mend } from "./mend.ts";

const [folder = "", what = ""] = Deno.args;
await mend(folder, what);
Deno.stdout.writeSync(new TextEncoder().encode("mended\n"));
