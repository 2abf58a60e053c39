import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { checkExecutable } from "./executable_kind.ts";
import {
  findTrustedFile,
  openTrustedFile,
  ownUid,
  type TrustedFile,
  UntrustedFileError,
} from "./trusted_file.ts";

/** A copy of an executable that nobody else can reach. */
export interface PrivateCopy extends Disposable {
  readonly command: string;
  /** An empty folder to work in. */
  readonly workDir: string;
  /** SHA-256 of the copy, in hex. */
  readonly sha256: string;
}

/** Executables are no archives. */
const MAX_BYTES = 512 * 2 ** 20;

const CHUNK_BYTES = 256 * 1024;

/**
 * Copies an executable into a new folder of its own: what was looked at and
 * hashed is what runs, whatever becomes of the original.
 *
 * @param path Absolute path of the executable.
 * @param folder Path of the folder to make.
 * @throws {UntrustedFileError} when others could have written it, or its
 * interpreter, or it is nothing that the kernel starts by itself.
 * @throws {Error} of the system.
 */
export async function makePrivateCopy(
  path: string,
  folder: string,
): Promise<PrivateCopy> {
  const file = findTrustedFile(path);
  await using source = await openTrustedFile(file);
  Deno.mkdirSync(folder, { mode: 0o700 });
  const remove = () => removeFolder(folder);
  try {
    const command = `${folder}/command`;
    const workDir = `${folder}/work`;
    Deno.mkdirSync(workDir, { mode: 0o700 });
    const sha256 = await copy(source, command, path);
    return { command, workDir, sha256, [Symbol.dispose]: remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** An action can leave what is hard to remove; the next start tries again. */
function removeFolder(folder: string) {
  try {
    Deno.removeSync(folder, { recursive: true });
  } catch {
    // How the action ended matters more.
  }
}

/** SHA-256 of an executable in hex. @throws as {@linkcode makePrivateCopy}. */
export async function hashTrustedFile(file: TrustedFile): Promise<string> {
  const { path, agentUid } = file;
  await using source = await openTrustedFile(file);
  await checkExecutable(path, source, agentUid);
  const hash = createHash("sha256");
  for await (const chunk of chunksOf(source, path)) hash.update(chunk);
  return hash.digest("hex");
}

async function copy(
  source: FileHandle,
  to: string,
  path: string,
): Promise<string> {
  const { O_RDWR, O_CREAT, O_EXCL } = constants;
  await using target = await open(to, O_RDWR | O_CREAT | O_EXCL, 0o500);
  const hash = createHash("sha256");
  for await (const chunk of chunksOf(source, path)) {
    hash.update(chunk);
    for (let at = 0; at < chunk.length;) {
      const { bytesWritten } = await target.write(chunk, at);
      at += bytesWritten;
    }
  }
  // Of the copy: the original may have been written to meanwhile.
  await checkExecutable(path, target, ownUid());
  return hash.digest("hex");
}

async function* chunksOf(
  source: FileHandle,
  path: string,
): AsyncGenerator<Uint8Array> {
  let total = 0;
  for (;;) {
    const buffer = new Uint8Array(CHUNK_BYTES);
    const { bytesRead } = await source.read(buffer, 0, buffer.length, total);
    const chunk = buffer.subarray(0, bytesRead);
    if (bytesRead === 0) return;
    total += bytesRead;
    if (total > MAX_BYTES) {
      throw new UntrustedFileError(`${path} is longer than 512 MiB`);
    }
    yield chunk;
  }
}
