import { print } from "./print.ts";

/**
 * The floor for durable writes: what replacing a file costs with nothing
 * around it. Exclusive create, write, sync, rename, sync of the folder.
 *
 * Arguments: folder, number of files that take turns, ms.
 * Prints the number of files replaced per second.
 */
const [folder, filesText, msText] = Deno.args;
const files = Number(filesText);
const runMs = Number(msText);
const bytes = new Uint8Array(1_024).fill(0x61);
using names = Deno.openSync(folder!);

let written = 0;
const started = performance.now();
while (performance.now() - started < runMs) {
  const temporary = `${folder}/tmp-${written}`;
  {
    using file = Deno.openSync(temporary, {
      write: true,
      createNew: true,
      mode: 0o600,
    });
    file.writeSync(bytes);
    file.syncDataSync();
  }
  Deno.renameSync(temporary, `${folder}/${written % files}.json`);
  names.syncSync();
  written++;
}
print(String(written / (performance.now() - started) * 1000));
