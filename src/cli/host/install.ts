import { dirname, resolve } from "node:path";
import { install as installRelease } from "../../host/install.ts";
import { RELEASE_KEYS } from "../../host/release_keys.ts";
import {
  type Release,
  releaseIn,
  releaseOf,
} from "../../host/release_folder.ts";
import { CommandError, EXIT, type Invocation } from "../command.ts";
import { bootstrapToken } from "./bootstrap_token.ts";
import { readReleaseKey } from "./read_release_key.ts";
import { hostFailure, placesOf, readyMsOf, stepsOf } from "./host_options.ts";

/** `plexd install`: brings plexd onto this machine, or into a folder. */
export async function install(invocation: Invocation): Promise<number> {
  const { flags, print } = invocation;
  const places = placesOf(invocation);
  const steps = stepsOf(invocation);
  const readyMs = readyMsOf(invocation);
  const token = await bootstrapToken(invocation);
  const text = (flag: string) => {
    const value = flags[flag];
    return typeof value === "string" ? value : undefined;
  };
  const [api, updatesUrl, key] = [
    text("--api"),
    text("--base-url"),
    text("--key"),
  ];
  if (api !== undefined) checkUrl("--api", api);
  const updatesKey = key === undefined ? undefined : await unknownKey(key);
  try {
    const release = await releaseOfThis(invocation);
    const { version, before } = await installRelease({
      places,
      release,
      io: invocation.platform(),
      steps,
      first: {
        ...(api === undefined ? {} : { api }),
        ...(updatesUrl === undefined ? {} : { updatesUrl }),
        ...(updatesKey === undefined ? {} : { updatesKey }),
      },
      token,
      start: flags["--no-start"] !== true,
      onlyRunning: false,
      readyMs,
      allowOlder: flags["--allow-older"] === true,
    });
    if (steps.isRehearsal) print(`plexd ${version} would be installed`);
    else if (before === undefined || before === version) {
      print(`plexd ${version} is installed`);
    } else print(`plexd ${version} is installed, after ${before}`);
  } catch (error) {
    throw hostFailure(error);
  }
  return EXIT.fine;
}

/** @returns the text of the file, unless the program knows the key itself. */
async function unknownKey(file: string): Promise<string | undefined> {
  const { pem, key } = await readReleaseKey(resolve(file));
  return RELEASE_KEYS.includes(key) ? undefined : pem;
}

function checkUrl(flag: string, value: string) {
  if (/^https?:\/\/[^\s/?#@"\\]+(\/[^\s?#"\\]*)?$/.test(value)) return;
  throw new CommandError(
    EXIT.wrongUsage,
    `${flag} is a URL such as https://api.example.com`,
  );
}

/** The release that is named, lies around this program, or is this program. */
async function releaseOfThis(invocation: Invocation): Promise<Release> {
  const { flags, version } = invocation;
  const from = flags["--from"];
  if (typeof from === "string") return await releaseIn(resolve(from));
  if (!Deno.build.standalone) {
    throw new CommandError(
      EXIT.failed,
      "this plexd runs from source, and there is no program to install",
      '"deno task compile" makes one: dist/plexd install. Or name an unpacked ' +
        "release: --from DIR",
    );
  }
  const program = Deno.execPath();
  const folder = dirname(program);
  if (isRelease(folder)) return await releaseIn(folder);
  const { carriedFiles } = await import("./carried_files.ts");
  return releaseOf(program, version, carriedFiles(invocation));
}

function isRelease(folder: string): boolean {
  try {
    return Deno.statSync(`${folder}/systemd/plexd.service`).isFile;
  } catch {
    return false;
  }
}
