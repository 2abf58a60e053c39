import { ConfigError } from "../config/config_error.ts";
import { loadConfig } from "../config/load_config.ts";
import type { Random } from "../platform/random.ts";
import { loadSealKey } from "../store/seal_key.ts";
import { SealKeyError } from "../store/store_errors.ts";
import { ensureAccounts, type Owner } from "./accounts.ts";
import { type FirstConfig, firstConfig } from "./first_config.ts";
import { ensureFolder, isEnrolled, statIfThere } from "./folders.ts";
import { HostError } from "./host_error.ts";
import type { Places } from "./places.ts";
import { replaceFile } from "./placement.ts";
import type { Steps } from "./steps.ts";
import { systemdRuns } from "./systemd.ts";

/**
 * Gives the bootstrap token that somebody has named.
 *
 * @param mayAsk There is none so far: a person may be asked for it.
 */
export type TokenSource = (mayAsk: boolean) => string | undefined;

/** Options for {@linkcode prepareNode}. */
export interface PrepareOptions {
  readonly places: Places;
  readonly steps: Steps;
  readonly io: { readonly random: Random };
  /** For the configuration, where there is none yet. */
  readonly first: FirstConfig;
  /** The bootstrap token, for a node that still has to join. */
  readonly token: TokenSource;
}

/** How far a node is from working. */
export interface PreparedNode {
  /** Whether its configuration may name a control plane. */
  readonly hasControlPlane: boolean;
  readonly isEnrolled: boolean;
  /** Path of the file of the bootstrap token. */
  readonly tokenFile: string;
  readonly hasToken: boolean;
}

/**
 * Makes what the agent finds when it starts: its user, folders, the machine's
 * key, a configuration and a token. What is there stays as it is.
 *
 * @throws {HostError}
 * @see design, section 3 "On a node"
 */
export async function prepareNode(
  options: PrepareOptions,
): Promise<PreparedNode> {
  const { places, steps } = options;
  const owner = places.isSystem ? await ensureAccounts(steps) : undefined;
  // A first start as root leaves it closed to the agent's user.
  await ensureFolder(
    { path: places.configDir, mode: 0o755, isExact: true },
    steps,
  );
  await ensureFolder(
    { path: places.dataDir, mode: 0o700, isExact: true, owner },
    steps,
  );
  // Under systemd it is made for each run, and goes with it.
  if (!places.isSystem || !systemdRuns()) {
    await ensureFolder({ path: places.runDir, mode: 0o755, owner }, steps);
  }
  await ensureKey(options, owner);
  await ensureConfig(options);
  return await ensureToken(options, owner);
}

/** Where systemd looks for credentials of a unit. */
const CREDENTIAL_FOLDERS = [
  "/etc/credstore",
  "/etc/credstore.encrypted",
  "/run/credstore",
  "/run/credstore.encrypted",
];

function hasCredential({ isSystem }: Places, name: string): boolean {
  return isSystem &&
    CREDENTIAL_FOLDERS.some((folder) =>
      statIfThere(`${folder}/${name}`) !== undefined
    );
}

async function ensureKey(
  { places, steps, io }: PrepareOptions,
  owner: Owner | undefined,
) {
  const keyFile = places.machineKey;
  if (!statIfThere(keyFile)) {
    if (hasCredential(places, "plexd.seal")) {
      steps.tell("the machine's key is a credential of the unit");
      return;
    }
    if (isEnrolled(places) && !isFormerNode(places)) {
      // It may come as a credential. A new one could open nothing.
      steps.tell(
        `${keyFile} is not there, and is not made anew: this node's data are ` +
          "sealed with another one",
      );
      return;
    }
    await steps.do(`create ${keyFile} (0600)`, async () => {
      try {
        await loadSealKey({ keyFile, create: true, random: io.random });
      } catch (error) {
        if (!(error instanceof SealKeyError)) throw error;
        throw new HostError("failed", error.message, undefined, error);
      }
    });
  }
  await giveFile(keyFile, owner, steps);
}

/** The Go agent seals nothing. */
function isFormerNode({ dataDir }: Places): boolean {
  return statIfThere(`${dataDir}/identity.json`) !== undefined &&
    statIfThere(`${dataDir}/clusters`) === undefined;
}

/** Gives a file of secrets to the agent's user, and takes it from all others. */
async function giveFile(path: string, owner: Owner | undefined, steps: Steps) {
  const there = statIfThere(path);
  if (!owner || !there) return;
  const isRight = there.uid === owner.uid && there.gid === owner.gid &&
    ((there.mode ?? 0) & 0o777) === 0o600;
  if (isRight) return;
  await steps.do(`give ${path} to the agent's user (0600)`, () => {
    Deno.chmodSync(path, 0o600);
    Deno.chownSync(path, owner.uid, owner.gid);
  });
}

async function ensureConfig({ places, steps, io, first }: PrepareOptions) {
  const { configFile } = places;
  const there = statIfThere(configFile);
  if (there) {
    steps.tell(`${configFile} is there, and stays as it is`);
    if (places.isSystem && ((there.mode ?? 0) & 0o004) === 0) {
      steps.tell(
        `${configFile} can be read by its owner alone; the agent runs as user ` +
          `plexd, so it may need: chown plexd ${configFile}`,
      );
    }
    return;
  }
  const text = firstConfig(places, first);
  const { updatesKey } = first;
  if (updatesKey !== undefined) {
    const key = { mode: 0o644, random: io.random };
    await steps.do(
      `write ${places.releaseKey}`,
      () => replaceFile(places.releaseKey, updatesKey, key),
    );
  }
  await steps.do(
    `write ${configFile}`,
    () => replaceFile(configFile, text, { mode: 0o644, random: io.random }),
  );
}

async function ensureToken(
  options: PrepareOptions,
  owner: Owner | undefined,
): Promise<PreparedNode> {
  const { places, steps, io, first } = options;
  const settings = await settingsOf(places);
  const tokenFile = settings.tokenFile;
  const node = {
    tokenFile,
    hasControlPlane: settings.hasControlPlane ||
      steps.isRehearsal && first.api !== undefined,
    isEnrolled: isEnrolled(places),
  };
  if (node.isEnrolled) return { ...node, hasToken: false };
  const isThere = holdsText(tokenFile);
  const isFound = isThere || settings.hasOtherToken;
  const token = options.token(node.hasControlPlane && !isFound);
  if (token === undefined) {
    if (isThere) await giveFile(tokenFile, owner, steps);
    return { ...node, hasToken: isFound };
  }
  await steps.do(
    `write the bootstrap token into ${tokenFile} (0600)`,
    () =>
      replaceFile(tokenFile, token + "\n", {
        mode: 0o600,
        random: io.random,
        ...(owner ? { owner } : {}),
      }),
  );
  return { ...node, hasToken: true };
}

/** A spent token may have been emptied where it could not be removed. */
function holdsText(path: string): boolean {
  return statIfThere(path) !== undefined &&
    Deno.readTextFileSync(path).trim() !== "";
}

/**
 * What the configuration says, as far as it matters here. One that cannot be
 * used is the agent's to complain about.
 */
async function settingsOf(places: Places) {
  const { configFile, configDir, tokenFile } = places;
  const hasEnvironment = statIfThere(`${configDir}/environment`) !== undefined;
  try {
    const { config } = await loadConfig({
      file: { path: configFile, required: false },
      env: {},
      flags: {},
      lenient: true,
    });
    const isThere = statIfThere(configFile) !== undefined;
    return {
      hasControlPlane: config["api.base_url"] !== undefined || hasEnvironment,
      tokenFile: isThere ? config["registration.token_file"] : tokenFile,
      hasOtherToken: config["registration.token_value"] !== undefined ||
        config["registration.use_metadata"] || hasEnvironment ||
        hasCredential(places, "plexd.token"),
    };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { hasControlPlane: true, tokenFile, hasOtherToken: true };
  }
}
