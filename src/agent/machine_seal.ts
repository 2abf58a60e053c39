import type { Config } from "../config/settings.ts";
import type { Random } from "../platform/random.ts";
import { loadSealKey, type SealKeySource } from "../store/seal_key.ts";

/** Where the configuration says that the machine's seal key is. */
export function machineSeal(config: Config, random: Random): SealKeySource {
  const credentialsDir = Deno.env.get("CREDENTIALS_DIRECTORY");
  return ({ exists }) =>
    loadSealKey({
      ...(credentialsDir ? { credentialsDir } : {}),
      keyFile: config["seal.key_file"],
      create: !exists,
      random,
    });
}
