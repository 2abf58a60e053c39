import { basename, dirname } from "node:path";
import type { Random } from "../platform/random.ts";
import type {
  ArtifactName,
  Downloaded,
  DownloadOptions,
} from "../uplink/artifact.ts";
import type { ControlClient } from "../uplink/control_client.ts";

/** Options for {@linkcode downloadTo}. */
export interface DownloadToOptions extends DownloadOptions {
  readonly client: Pick<ControlClient, "fetchArtifact">;
  readonly artifact: ArtifactName;
  /** Path of the file that is made. */
  readonly file: string;
  /** Replace a file that is there. */
  readonly overwrite: boolean;
  readonly random: Random;
}

/**
 * Downloads a release of plexd into an executable file. The file is there,
 * whole and durable, when this resolves; otherwise nothing is left of it.
 *
 * @throws {Deno.errors.AlreadyExists} when there is a file of that name.
 * @throws {Error} of the system when it cannot be written.
 * @throws {DigestMismatchError | ControlError}
 */
export async function downloadTo(
  options: DownloadToOptions,
  signal: AbortSignal,
): Promise<Downloaded> {
  const { client, artifact, file, overwrite, random } = options;
  if (!overwrite) refuseExisting(file);
  const sink = new WritableStream(fileSink(file, overwrite, random));
  return await client.fetchArtifact(artifact, sink, options, signal);
}

function refuseExisting(file: string) {
  try {
    Deno.lstatSync(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  throw new Deno.errors.AlreadyExists(file);
}

/** Writes beside the file, and puts it in place when all has come. */
function fileSink(
  file: string,
  overwrite: boolean,
  random: Random,
): UnderlyingSink<Uint8Array> {
  const suffix = random.bytes(6).toHex();
  const temp = `${dirname(file)}/.${basename(file)}.${suffix}.part`;
  const fresh = { write: true, createNew: true, mode: 0o600 };
  const out = Deno.openSync(temp, fresh);
  const discard = () => {
    out.close();
    removeIfThere(temp);
  };
  return {
    async write(bytes) {
      try {
        for (let at = 0; at < bytes.length;) {
          at += await out.write(bytes.subarray(at));
        }
      } catch (error) {
        // A sink that failed is not aborted any more.
        discard();
        throw error;
      }
    },
    async close() {
      try {
        await out.sync();
        Deno.chmodSync(temp, 0o755);
        if (overwrite) Deno.renameSync(temp, file);
        // Unlike a rename, a link never takes the place of another file.
        else Deno.linkSync(temp, file);
      } finally {
        discard();
      }
      using folder = Deno.openSync(dirname(file));
      folder.syncSync();
    },
    abort: discard,
  };
}

function removeIfThere(path: string) {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
