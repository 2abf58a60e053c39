import { machineSeal } from "../../agent/machine_seal.ts";
import type { Config } from "../../config/settings.ts";
import type { Platform } from "../../platform/platform.ts";
import { readIdentity } from "../../store/read_identity.ts";
import { bearerFor } from "../../uplink/bearer.ts";

/** Shorter ones would blank out words, and are no secrets. */
const SHORTEST = 4;

/**
 * Everything secret that this process can get hold of: a bundle holds none of
 * it, wherever it may have come from.
 */
export async function heldSecrets(
  config: Config | undefined,
  env: Readonly<Record<string, string>>,
  { random }: Platform,
): Promise<readonly string[]> {
  const found = [env["PLEXD_REGISTRATION_TOKEN_VALUE"]];
  if (config) {
    const credentials = env["CREDENTIALS_DIRECTORY"];
    found.push(
      config["registration.token_value"],
      env[config["registration.token_env"]],
      ...[
        config["registration.token_file"],
        config["node_api.http_token_file"],
        config["seal.key_file"],
        ...(credentials
          ? [`${credentials}/plexd.token`, `${credentials}/plexd.seal`]
          : []),
      ].map(textOf),
      ...Object.values(config["registration.metadata"] ?? {}),
      ...await credentialsOf(config, random),
    );
  }
  return found.flatMap((text) => {
    const secret = text?.trim() ?? "";
    // As it stands in JSON, too.
    return secret.length < SHORTEST
      ? []
      : [secret, JSON.stringify(secret).slice(1, -1)];
  });
}

async function credentialsOf(
  config: Config,
  random: Platform["random"],
): Promise<readonly string[]> {
  const { data_dir: dataDir, cluster } = config;
  try {
    const seal = machineSeal(config, random);
    const stored = await readIdentity({ dataDir, cluster, seal });
    if (!stored) return [];
    const { identity: { dialect, nodeId }, nodeSecretKey } = stored;
    return [nodeSecretKey, bearerFor(dialect, nodeId, nodeSecretKey)];
  } catch {
    // What cannot be opened cannot be told either.
    return [];
  }
}

function textOf(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}
