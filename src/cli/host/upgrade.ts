import { resolve } from "node:path";
import { useProxies } from "../../agent/use_proxies.ts";
import { loadConfig } from "../../config/load_config.ts";
import type { Config } from "../../config/settings.ts";
import { RELEASE_KEYS } from "../../host/release_keys.ts";
import { ReleaseSource } from "../../host/release_source.ts";
import type { Places } from "../../host/places.ts";
import { upgrade as upgradeTo } from "../../host/upgrade.ts";
import { CommandError, EXIT, type Invocation } from "../command.ts";
import { hostFailure, placesOf, readyMsOf, stepsOf } from "./host_options.ts";
import { readReleaseKey } from "./read_release_key.ts";
import { releaseArch } from "../release_arch.ts";

/** `plexd upgrade [VERSION]`: another release instead of what is installed. */
export async function upgrade(invocation: Invocation): Promise<number> {
  const { args, flags, print, stop } = invocation;
  const places = placesOf(invocation);
  const steps = stepsOf(invocation);
  const config = await configOf(places);
  const io = invocation.platform(config);
  useProxies([]);
  const baseUrl = flags["--base-url"] ?? config["updates.base_url"];
  if (typeof baseUrl !== "string") {
    throw new CommandError(
      EXIT.failed,
      "nobody has said where releases are",
      "name the address with --base-url URL, or as updates.base_url in " +
        places.configFile,
    );
  }
  const version = args[0]?.replace(/^v(?=\d)/, "");
  try {
    const source = new ReleaseSource({
      baseUrl,
      allowPlaintext: flags["--allow-plaintext"] === true,
      io,
      tell: steps.tell,
    });
    const done = await upgradeTo({
      places,
      dataDir: config.data_dir,
      source,
      keys: await keysOf(invocation, config),
      ...(version === undefined ? {} : { version }),
      arch: releaseArch(),
      readyMs: readyMsOf(invocation),
      io,
      steps,
    }, stop);
    if (!done.isNew) print(`plexd ${done.version} is installed already`);
    else if (steps.isRehearsal) {
      print(`plexd ${done.version} would be installed, after ${done.before}`);
    } else print(`plexd ${done.version} is installed, after ${done.before}`);
  } catch (error) {
    throw hostFailure(error);
  }
  return EXIT.fine;
}

async function configOf({ configFile }: Places): Promise<Config> {
  const { config } = await loadConfig({
    file: { path: configFile, required: false },
    env: Deno.env.toObject(),
    flags: {},
    // What a later version knows must not keep it from coming.
    lenient: true,
  });
  return config;
}

/** Base64 of each key that releases are believed of. */
async function keysOf(
  { flags }: Invocation,
  config: Config,
): Promise<readonly string[]> {
  const named = flags["--key"];
  const file = typeof named === "string"
    ? resolve(named)
    : config["updates.key_file"];
  if (file === undefined) {
    if (RELEASE_KEYS.length > 0) return RELEASE_KEYS;
    throw new CommandError(
      EXIT.failed,
      "this plexd knows no key that releases are signed with",
      "name the public key's PEM file with --key FILE, or as updates.key_file",
    );
  }
  return [(await readReleaseKey(file)).key];
}
