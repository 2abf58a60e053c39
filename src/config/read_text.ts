import { ConfigError } from "./config_error.ts";

/** Files beyond this are not configuration. */
const MAX_BYTES = 2 ** 20;

/** Text of a configuration file, and who else may read it. */
export interface FileText {
  readonly text: string;
  /** Whether group or others may read it, too. */
  readonly openToOthers: boolean;
}

/**
 * Reads a small UTF-8 file.
 *
 * @returns undefined when there is none.
 * @throws {ConfigError}
 */
export async function readFileText(
  path: string,
): Promise<FileText | undefined> {
  const wrong = (what: string) => new ConfigError([{ where: path, what }]);
  let bytes: Uint8Array;
  let mode: number | null;
  try {
    using file = await Deno.open(path);
    ({ mode } = await file.stat());
    bytes = await readUpTo(file, MAX_BYTES + 1);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw wrong(
      error instanceof Deno.errors.PermissionDenied
        ? "may not be read by this user"
        : "cannot be read",
    );
  }
  if (bytes.length > MAX_BYTES) throw wrong("is larger than 1 MiB");
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return { text, openToOthers: ((mode ?? 0) & 0o077) !== 0 };
  } catch {
    throw wrong("is no UTF-8 text");
  }
}

/** The size that a file tells may be wrong: a pipe has none, `/dev/zero` no end. */
async function readUpTo(file: Deno.FsFile, limit: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(limit);
  let length = 0;
  while (length < limit) {
    const count = await file.read(buffer.subarray(length));
    if (count === null) break;
    length += count;
  }
  return buffer.subarray(0, length);
}
