import { DatabaseSync, type StatementSync } from "node:sqlite";
import { describeError } from "../platform/log.ts";
import { type Sql, SqlRow, type SqlValue } from "./storage/sql.ts";
import { assignmentRows } from "./storage/sql_assignments.ts";
import { busReaderRows } from "./storage/sql_bus_readers.ts";
import { compositionSource } from "./storage/sql_composition.ts";
import { eventRows, signingKeyRows } from "./storage/sql_events.ts";
import {
  adminRows,
  auditRows,
  domainRows,
  relationRows,
  settingRows,
  tokenRows,
} from "./storage/sql_access.ts";
import { ingestRows } from "./storage/sql_ingest.ts";
import {
  executionRows,
  outputRows,
  sessionRows,
} from "./storage/sql_operations.ts";
import {
  bridgeRows,
  compiledPolicyRows,
  policyRows,
} from "./storage/sql_policies.ts";
import { nodeRows } from "./storage/sql_nodes.ts";
import { snapshotRows } from "./storage/sql_snapshots.ts";
import { reportRows, secretRows, valueRows } from "./storage/sql_values.ts";
import { SCHEMA_STEPS } from "./storage/sqlite_schema.ts";
import { type Rows, type Storage, StorageError } from "./storage/storage.ts";
import {
  type CommitConnection,
  SharedCommits,
} from "./storage/shared_commits.ts";
import { Turns } from "./turns.ts";

/**
 * The control plane's storage in one SQLite file, created 0600.
 *
 * A transaction is on disk when it is acknowledged (`synchronous=FULL`); those
 * that wait together share one commit. Reads have a connection of their own, so
 * they neither wait for a transaction nor see half of one.
 *
 * @throws {StorageError} when the file is no database, or one of a newer plexd.
 */
export function openSqliteStorage(path: string): Storage {
  createPrivately(path);
  const writer = open(path, false);
  let reader: Connection;
  try {
    migrate(writer);
    reader = open(path, true);
  } catch (error) {
    writer.close();
    throw error;
  }
  const reads = new Turns();
  const writes = new SharedCommits(writer);
  return {
    read: (work) => reads.take(() => reader.transact(work)),
    write: (work) => writes.write(work),
    close() {
      reader.close();
      writer.close();
    },
  };
}

/** SQLite gives the files beside a database the mode that it has itself. */
function createPrivately(path: string) {
  try {
    Deno.openSync(path, { write: true, createNew: true, mode: 0o600 }).close();
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

function open(path: string, readOnly: boolean): Connection {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { readOnly, timeout: 5_000 });
    if (!readOnly) {
      database.exec("PRAGMA journal_mode = WAL");
      database.exec("PRAGMA synchronous = FULL");
    }
    return new Connection(database, readOnly);
  } catch (error) {
    database?.close();
    throw storageError(error);
  }
}

function migrate(connection: Connection) {
  const version = connection.get("PRAGMA user_version")!.number("user_version");
  if (version > SCHEMA_STEPS.length) {
    throw new StorageError(
      "failed",
      `The database has schema ${version}, this plexd knows up to ` +
        `${SCHEMA_STEPS.length}: a newer plexd wrote it`,
    );
  }
  for (const [at, step] of SCHEMA_STEPS.entries()) {
    if (at < version) continue;
    connection.exec(`BEGIN; ${step} PRAGMA user_version = ${at + 1}; COMMIT;`);
  }
}

/** One connection. */
class Connection implements Sql, CommitConnection {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly rows: Rows;

  constructor(database: DatabaseSync, readOnly: boolean) {
    this.#database = database;
    this.rows = {
      settings: settingRows(this),
      domains: domainRows(this),
      tokens: tokenRows(this),
      nodes: nodeRows(this),
      values: valueRows(this),
      secrets: secretRows(this),
      events: eventRows(this),
      signingKeys: signingKeyRows(this),
      reports: reportRows(this),
      policies: policyRows(this),
      compiledPolicies: compiledPolicyRows(this),
      bridges: bridgeRows(this),
      composition: compositionSource(this, readOnly),
      assignments: assignmentRows(this),
      executions: executionRows(this),
      outputs: outputRows(this),
      sessions: sessionRows(this),
      ingest: ingestRows(this),
      snapshots: snapshotRows(this),
      relations: relationRows(this),
      busReaders: busReaderRows(this),
      admins: adminRows(this),
      audit: auditRows(this),
    };
  }

  run(text: string, ...values: SqlValue[]): number {
    if (values.some((value) => typeof value === "string" && hasNul(value))) {
      throw new StorageError("unstorable", "A text has a NUL character");
    }
    return guarded(() => Number(this.#prepare(text).run(...values).changes));
  }

  get(text: string, ...values: SqlValue[]): SqlRow | undefined {
    const row = guarded(() => this.#prepare(text).get(...values));
    return row && new SqlRow(row);
  }

  all(text: string, ...values: SqlValue[]): SqlRow[] {
    return guarded(() => this.#prepare(text).all(...values))
      .map((row) => new SqlRow(row));
  }

  exec(text: string): void {
    guarded(() => this.#database.exec(text));
  }

  get isTransaction(): boolean {
    return this.#database.isTransaction;
  }

  /** Runs `work` on one view of the database. */
  async transact<T>(work: (rows: Rows) => Promise<T>): Promise<T> {
    // Prepared: there are several for each request.
    this.run("BEGIN");
    try {
      return await work(this.rows);
    } finally {
      if (this.isTransaction) this.run("COMMIT");
    }
  }

  close(): void {
    this.#database.close();
  }

  #prepare(text: string): StatementSync {
    let statement = this.#statements.get(text);
    if (!statement) {
      statement = this.#database.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }
}

/** What comes back of such a text ends before it. */
function hasNul(text: string): boolean {
  return text.includes("\0");
}

function guarded<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw storageError(error);
  }
}

/** SQLite's result codes that callers tell apart; the low byte is the class. */
const KINDS: Readonly<Record<number, StorageError["kind"]>> = {
  5: "busy",
  6: "busy",
  11: "damaged",
  13: "full",
  26: "damaged",
};

function storageError(error: unknown): StorageError {
  const code = error instanceof Error && "errcode" in error
    ? Number(error.errcode) & 0xff
    : 0;
  return new StorageError(
    KINDS[code] ?? "failed",
    `The database failed: ${describeError(error)}`,
    error,
  );
}
