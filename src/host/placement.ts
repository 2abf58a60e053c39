import { createHash } from "node:crypto";
import { basename, dirname } from "node:path";
import type { Random } from "../platform/random.ts";
import { isMissing } from "../store/disk.ts";
import { errorCode } from "../store/store_errors.ts";
import { HostError } from "./host_error.ts";

/** A file that is to be in place. */
export interface PlannedFile {
  readonly target: string;
  /** Path of a file with its bytes, or the bytes. */
  readonly source: string | Uint8Array<ArrayBuffer>;
  readonly mode: number;
  /** Where the file that it replaces is kept. @default it is not kept */
  readonly keep?: string;
}

/** Files that wait beside their places, all of them whole and durable. */
export interface Placement extends Disposable {
  /** The targets whose bytes will be others than before. */
  readonly changed: readonly string[];
  /** SHA-256 of every planned file in lower-case hex, by target. */
  readonly sums: ReadonlyMap<string, string>;
  /**
   * Puts all of them in place, each by one rename.
   *
   * @throws {Error} of the system.
   */
  commit(): void;
  /**
   * Puts back what was there before {@linkcode commit}.
   *
   * @throws {Error} of the system.
   */
  undo(): void;
}

interface StagedFile {
  readonly planned: PlannedFile;
  readonly temp: string;
  /** What is replaced: its bytes, or that it is kept. */
  readonly before: Uint8Array<ArrayBuffer> | "kept" | "none";
}

/**
 * Writes files beside the places that they are meant for. A file that is there
 * with the same bytes is left alone. Until this returns nothing is changed, so a
 * full disk changes nothing.
 *
 * @throws {HostError} kind "failed" when one cannot be written.
 */
export function stageFiles(
  files: readonly PlannedFile[],
  random: Random,
): Placement {
  const staged: StagedFile[] = [];
  const sums = new Map<string, string>();
  const discard = () => staged.forEach(({ temp }) => removeIfThere(temp));
  let at: string | undefined;
  try {
    for (const planned of files) {
      at = planned.target;
      const sum = sumOf(planned.source);
      sums.set(planned.target, sum);
      const former = sumOfFile(planned.target);
      if (former === sum) {
        Deno.chmodSync(planned.target, planned.mode);
        continue;
      }
      const temp = tempFor(planned.target, random);
      const before = former === undefined
        ? "none"
        : planned.keep === undefined
        ? Deno.readFileSync(planned.target)
        : "kept";
      staged.push({ planned, temp, before });
      writeNew(temp, planned.source, planned.mode);
    }
  } catch (error) {
    discard();
    throw writeFailure(error, at);
  }
  return {
    changed: staged.map(({ planned }) => planned.target),
    sums,
    commit() {
      for (const { planned, temp, before } of staged) {
        if (planned.keep !== undefined && before === "kept") {
          linkOver(planned.target, planned.keep, random);
        }
        renameDurably(temp, planned.target);
      }
    },
    undo() {
      for (const { planned, before } of staged) {
        putBack(planned, before, random);
      }
    },
    [Symbol.dispose]: discard,
  };
}

/**
 * Replaces one file: after a crash it has its old bytes or the new ones.
 *
 * @throws {HostError} kind "failed" when it cannot be written.
 */
export function replaceFile(
  target: string,
  text: string,
  options: {
    readonly mode: number;
    readonly owner?: { readonly uid: number; readonly gid: number };
    readonly random: Random;
  },
): void {
  const { mode, owner, random } = options;
  const temp = tempFor(target, random);
  try {
    writeNew(temp, new TextEncoder().encode(text), mode);
    if (owner) Deno.chownSync(temp, owner.uid, owner.gid);
    renameDurably(temp, target);
  } catch (error) {
    removeIfThere(temp);
    throw writeFailure(error, target);
  }
}

/** SHA-256 of a file in lower-case hex; undefined when there is none. */
export function sumOfFile(path: string): string | undefined {
  try {
    return sumOf(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Removes a file; one that is not there is fine. */
export function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

function putBack(
  { target, keep, mode }: PlannedFile,
  before: StagedFile["before"],
  random: Random,
) {
  if (before === "none") return removeIfThere(target);
  if (before === "kept") {
    if (keep !== undefined) linkOver(keep, target, random);
    return;
  }
  const temp = tempFor(target, random);
  writeNew(temp, before, mode);
  renameDurably(temp, target);
}

/** Makes `to` another name of `from`, whatever was there. */
function linkOver(from: string, to: string, random: Random) {
  const temp = tempFor(to, random);
  Deno.linkSync(from, temp);
  renameDurably(temp, to);
  // A rename of two names of one file does nothing, and leaves both.
  removeIfThere(temp);
}

function renameDurably(from: string, to: string) {
  Deno.renameSync(from, to);
  using folder = Deno.openSync(dirname(to));
  folder.syncSync();
}

function writeNew(
  path: string,
  source: PlannedFile["source"],
  mode: number,
) {
  Deno.mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  using file = Deno.openSync(path, {
    write: true,
    createNew: true,
    mode: 0o600,
  });
  for (const bytes of piecesOf(source)) {
    for (let at = 0; at < bytes.length;) {
      at += file.writeSync(bytes.subarray(at));
    }
  }
  file.syncSync();
  Deno.chmodSync(path, mode);
}

/** A program is large: no more of it than this is in memory. */
const PIECE_BYTES = 1024 * 1024;

/** The bytes of a file, piece by piece; each is good until the next. */
export function* piecesOf(
  source: PlannedFile["source"],
): Generator<Uint8Array<ArrayBuffer>> {
  if (typeof source !== "string") return yield source;
  using file = Deno.openSync(source);
  const buffer = new Uint8Array(PIECE_BYTES);
  for (;;) {
    const count = file.readSync(buffer);
    if (count === null) return;
    yield buffer.subarray(0, count);
  }
}

function sumOf(source: PlannedFile["source"]): string {
  const hash = createHash("sha256");
  for (const bytes of piecesOf(source)) hash.update(bytes);
  return hash.digest("hex");
}

function tempFor(target: string, random: Random): string {
  const suffix = random.bytes(6).toHex();
  return `${dirname(target)}/.${basename(target)}.${suffix}.new`;
}

function writeFailure(error: unknown, target = "a file"): HostError {
  const hints: Readonly<Record<string, string>> = {
    ENOSPC: `free some space on the disk of ${dirname(target)}, and try again`,
    EDQUOT: `free some space on the disk of ${dirname(target)}, and try again`,
    EACCES: "run it as root, or install elsewhere with --prefix DIR",
    EPERM: "run it as root, or install elsewhere with --prefix DIR",
    EROFS: `${dirname(target)} cannot be written: install with --prefix DIR`,
  };
  const hint = hints[errorCode(error) ?? ""];
  return new HostError(
    "failed",
    `${target} cannot be written; the installation is as it was`,
    hint,
    error,
  );
}
