import { backup, DatabaseSync } from "node:sqlite";
import { describeError } from "../../platform/log.ts";
import { SCHEMA_STEPS } from "./sqlite_schema.ts";
import { StorageError } from "./storage.ts";

/** What a copy of a database holds. */
export interface DatabaseCopy {
  /** Steps of the schema that it has taken. */
  readonly schema: number;
  readonly nodes: number;
  /** Of the key that sealed what is sealed in it. */
  readonly masterKeyId: string;
}

/** More pages than any database has: the copy is made in one go. */
const ALL_PAGES = 2 ** 31 - 1;

/**
 * Copies a database as it is at this moment, whether or not a server works on
 * it; neither waits for the other. The copy is one file, and was checked.
 *
 * @param to An empty file, which decides who may read the copy.
 * @throws {StorageError} when there is no database, or it is damaged.
 */
export async function copyDatabase(
  from: string,
  to: string,
): Promise<DatabaseCopy> {
  try {
    const source = new DatabaseSync(from, { readOnly: true, timeout: 5_000 });
    try {
      // Pins what is read: a change in between would start the copy anew.
      source.exec("BEGIN");
      source.prepare("PRAGMA user_version").get();
      source.prepare("SELECT count(*) FROM sqlite_schema").get();
      await backup(source, to, { rate: ALL_PAGES });
    } finally {
      source.close();
    }
    return checked(to);
  } catch (error) {
    if (error instanceof StorageError) throw error;
    throw new StorageError(
      "failed",
      `The database cannot be copied: ${describeError(error)}`,
      error,
    );
  }
}

function checked(path: string): DatabaseCopy {
  const copy = new DatabaseSync(path);
  try {
    // Without it the copy would want a second file beside it.
    copy.exec("PRAGMA journal_mode = DELETE");
    const verdict = copy.prepare("PRAGMA integrity_check").get();
    if (verdict?.["integrity_check"] !== "ok") {
      throw new StorageError("damaged", "The database is damaged");
    }
    const schema = Number(
      copy.prepare("PRAGMA user_version").get()?.["user_version"],
    );
    if (schema < 1 || schema > SCHEMA_STEPS.length) {
      throw new StorageError("failed", `The database has schema ${schema}`);
    }
    const { count } = copy.prepare("SELECT count(*) AS count FROM nodes")
      .get()!;
    const key = copy
      .prepare("SELECT value FROM settings WHERE name = 'master_key_id'").get();
    return {
      schema,
      nodes: Number(count),
      masterKeyId: String(key?.["value"] ?? ""),
    };
  } finally {
    copy.close();
  }
}
