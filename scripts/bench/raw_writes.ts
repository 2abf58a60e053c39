import { print } from "./print.ts";
import { RawFolder } from "./raw_folder.ts";

/**
 * The floor for durable writes: files replaced by one process, one by one.
 *
 * Arguments: folder, number of files that take turns, ms.
 * Prints the number of files replaced per second.
 */
const [path, files, ms] = Deno.args;
const folder = new RawFolder(path!, Number(files));

let written = 0;
const started = performance.now();
while (performance.now() - started < Number(ms)) {
  folder.replaceNext();
  written++;
}
print(String(written / (performance.now() - started) * 1000));
