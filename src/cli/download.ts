import { resolve } from "node:path";
import { downloadTo } from "../agent/download.ts";
import { DigestMismatchError } from "../uplink/artifact.ts";
import { ControlError } from "../uplink/control_error.ts";
import { CommandError, EXIT, type Invocation } from "./command.ts";
import { controlFailure } from "./control_failure.ts";
import { nodeClient } from "./node_client.ts";
import { releaseArch } from "./release_arch.ts";

/** `plexd download VERSION --to FILE`: a release from the control plane. */
export async function download(invocation: Invocation): Promise<number> {
  const { args, flags, print, stop } = invocation;
  const file = resolve(String(flags["--to"]));
  const sha256 = digestIn(flags["--sha256"]);
  const artifact = {
    version: args[0] ?? "",
    os: String(flags["--os"] ?? Deno.build.os),
    arch: String(flags["--arch"] ?? releaseArch()),
  };
  const config = await invocation.config();
  const io = invocation.platform(config);
  const { client } = await nodeClient(invocation, config, io);
  using _ = client;
  try {
    const done = await invocation.progress(
      `Downloading ${file}`,
      () =>
        downloadTo({
          client,
          artifact,
          file,
          overwrite: flags["--force"] === true,
          random: io.random,
          ...(sha256 === undefined ? {} : { sha256 }),
        }, stop),
    );
    print(`${done.sha256}  ${file}`);
  } catch (error) {
    throw failureOf(error, file);
  }
  return EXIT.fine;
}

function digestIn(given: string | true | undefined): string | undefined {
  if (given === undefined) return undefined;
  if (/^[0-9a-f]{64}$/i.test(String(given))) return String(given);
  throw new CommandError(EXIT.wrongUsage, "--sha256 is 64 digits in hex");
}

function failureOf(error: unknown, file: string): unknown {
  if (error instanceof ControlError) return controlFailure(error);
  if (error instanceof DigestMismatchError) {
    return new CommandError(EXIT.failed, `${error.message}; nothing was kept`);
  }
  if (error instanceof Deno.errors.AlreadyExists) {
    return new CommandError(
      EXIT.failed,
      `${file} is there already`,
      "--force replaces it",
    );
  }
  const code = error instanceof Error && "code" in error ? error.code : "";
  if (typeof code !== "string" || !/^E[A-Z]+$/.test(code)) return error;
  return new CommandError(
    EXIT.failed,
    `${file} cannot be written`,
    undefined,
    error,
  );
}
