import { describeError } from "../platform/log.ts";
import type { LockHolder } from "./lock_file.ts";

/** A write did not become durable. Memory still holds what it held before. */
export class StoreWriteError extends Error {
  override readonly name = "StoreWriteError";
  readonly kind: "no_space" | "read_only" | "io";

  constructor(what: string, cause: unknown) {
    super(`Cannot store ${what}: ${describeError(cause)}`, { cause });
    this.kind = kindOf(cause);
  }
}

/** Codes are reliable where error classes are not: several have no class. */
function kindOf(cause: unknown): StoreWriteError["kind"] {
  const code = errorCode(cause);
  if (code === "ENOSPC" || code === "EDQUOT") return "no_space";
  return code === "EROFS" ? "read_only" : "io";
}

/** The system's name of a failure, such as `ENOSPC`, where the error has one. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** Something stored is there, but the system does not let it be read. */
export class StoreReadError extends Error {
  override readonly name = "StoreReadError";
  /** The system's name of the failure, such as `EIO`; empty without one. */
  readonly code: string;

  constructor(path: string, cause: unknown) {
    super(`Cannot read ${path}: ${describeError(cause)}`, { cause });
    this.code = errorCode(cause) ?? "";
  }
}

/** Part of a membership could not be removed; what could is gone. */
export class PurgeError extends Error {
  override readonly name = "PurgeError";

  constructor(path: string, cause: unknown) {
    super(`Cannot remove ${path}: ${describeError(cause)}`, { cause });
  }
}

/** The store's folder cannot be used at all. */
export class StoreOpenError extends Error {
  override readonly name = "StoreOpenError";

  constructor(folder: string, why: string, cause?: unknown) {
    super(`Cannot open the store ${folder}: ${why}`, { cause });
  }
}

/** Another process holds the membership. */
export class AlreadyRunningError extends Error {
  override readonly name = "AlreadyRunningError";
  /** Process id of the holder, when its lock file names one. */
  readonly pid: number | undefined;

  constructor(
    readonly folder: string,
    { pid, since, version }: LockHolder,
  ) {
    const holder = pid === undefined ? "Another process" : `Process ${pid}`;
    const told = [
      ...(version ? [`plexd ${version}`] : []),
      ...(since ? [`since ${since}`] : []),
    ].join(", ");
    const about = pid === undefined || told === "" ? "" : ` (${told})`;
    super(`${holder}${about} is already using ${folder}`);
    this.pid = pid;
  }
}

/** What proves who this node is cannot be read. Only a person can decide. */
export class CorruptIdentityError extends Error {
  override readonly name = "CorruptIdentityError";

  constructor(
    /** Path below the membership's folder. */
    readonly file: string,
    readonly why: string,
    cause?: unknown,
  ) {
    super(
      `The identity of this node is damaged: ${file}: ${why}. ` +
        "Restore the folder from a backup, or enrol again with " +
        "`plexd join --force` and a fresh bootstrap token",
      { cause },
    );
  }
}

/** What says whom to trust cannot be read. Trusting less would be guessing. */
export class CorruptTrustError extends Error {
  override readonly name = "CorruptTrustError";

  constructor(
    /** Path below the membership's folder. */
    readonly file: string,
    readonly why: string,
  ) {
    super(
      `The trusted signing keys of this node are damaged: ${file}: ${why}. ` +
        "Restore the file from a backup, or enrol again with " +
        "`plexd join --force` and a fresh bootstrap token",
    );
  }
}

/** The key that seals secrets on disk is missing, unusable or another one. */
export class SealKeyError extends Error {
  override readonly name = "SealKeyError";
  readonly kind: "missing" | "unreadable" | "exposed" | "wrong_key" | "create";

  constructor(kind: SealKeyError["kind"], message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

/** A report was not written, because another writer was there first. */
export class ReportConflictError extends Error {
  override readonly name = "ReportConflictError";
  readonly kind: "version" | "exists";
  readonly key: string;
  /** Version that is stored; 0 when there is no such report. */
  readonly currentVersion: number;

  constructor(
    kind: ReportConflictError["kind"],
    key: string,
    currentVersion: number,
  ) {
    super(
      kind === "exists"
        ? "The report already exists"
        : `The report is at version ${currentVersion}`,
    );
    this.kind = kind;
    this.key = key;
    this.currentVersion = currentVersion;
  }
}
