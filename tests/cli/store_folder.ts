import { inFolder } from "../store/open_store.ts";
import { runPlexd } from "./run_plexd.ts";

/** The key that the helpers of the store's tests seal with. */
const KEY = new Uint8Array(32).fill(7).toBase64();

/** An empty data folder, and what runs commands of plexd on it. */
export function withDataFolder(
  work: (
    dataDir: string,
    plexd: (...words: string[]) => ReturnType<typeof runPlexd>,
  ) => Promise<void>,
): Promise<void> {
  return inFolder(async (folder) => {
    const dataDir = `${folder}/data`;
    Deno.mkdirSync(dataDir);
    Deno.writeTextFileSync(`${folder}/machine.key`, KEY, { mode: 0o600 });
    const env = {
      PLEXD_SEAL_KEY_FILE: `${folder}/machine.key`,
      PLEXD_DATA_DIR: dataDir,
    };
    await work(dataDir, (...words) => runPlexd(words, { env }));
  });
}
