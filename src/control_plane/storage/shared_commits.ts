import { setImmediate } from "node:timers";
import type { Rows } from "./storage.ts";

/** A connection that transactions are made on. */
export interface CommitConnection {
  readonly rows: Rows;
  /** Whether one is open; some failures, a full disk among them, end it. */
  readonly isTransaction: boolean;
  /** @throws {StorageError} */
  exec(text: string): void;
}

/** Most pieces of work in one commit: what comes later waits for the next. */
const MOST = 256;

/** Work that waits, and whom to tell how it ended. */
interface Waiting {
  readonly work: (rows: Rows) => Promise<unknown>;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface Failed {
  readonly error: unknown;
}

/** How work ended, if the commit succeeds. */
type Ended = { readonly result: unknown } | Failed;

/**
 * Lets pieces of work that wait at the same time share one commit, and so one
 * sync of the disk.
 *
 * Each is a transaction of its own to whoever asked for it: it sees all of what
 * came before and nothing of what comes after, it fails alone, and it is
 * acknowledged when it is on disk. A refusal waits for the commit as well, since
 * it may rest on work that the same commit holds. Only when the commit itself
 * fails, all of its work fails.
 */
export class SharedCommits {
  readonly #connection: CommitConnection;
  #waiting: Waiting[] = [];
  #running = false;

  constructor(connection: CommitConnection) {
    this.#connection = connection;
  }

  /** @throws whatever `work` throws, and {StorageError}; nothing happened then. */
  write<T>(work: (rows: Rows) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({
        work,
        resolve: (result) => resolve(result as T),
        reject,
      });
      if (!this.#running) this.#run();
    });
  }

  async #run() {
    this.#running = true;
    while (this.#waiting.length > 0) {
      // So that requests which have come together commit together.
      await new Promise<void>((resolve) => setImmediate(resolve));
      await this.#commitSome();
    }
    this.#running = false;
  }

  async #commitSome() {
    const refused = this.#attempt("BEGIN IMMEDIATE");
    if (refused) return this.#waiting.shift()?.reject(refused.error);
    const done: { readonly one: Waiting; readonly ended: Ended }[] = [];
    let failure: Failed | undefined;
    while (!failure && done.length < MOST) {
      const one = this.#waiting.shift();
      if (!one) break;
      const ended = await this.#try(one);
      done.push({ one, ended });
      // What ends the whole transaction undoes the work before as well.
      if (!this.#connection.isTransaction) failure = lostBy(ended);
    }
    failure ??= this.#commit();
    for (const { one, ended } of done) {
      const outcome = failure ?? ended;
      if ("error" in outcome) one.reject(outcome.error);
      else one.resolve(outcome.result);
    }
  }

  /** Does work so that it can be taken back alone. */
  async #try({ work }: Waiting): Promise<Ended> {
    const connection = this.#connection;
    try {
      connection.exec("SAVEPOINT work");
      const result = await work(connection.rows);
      connection.exec("RELEASE work");
      return { result };
    } catch (error) {
      const isLeft = connection.isTransaction &&
        this.#attempt("ROLLBACK TO work; RELEASE work");
      // What cannot be taken back alone is taken back with all before it.
      if (isLeft) this.#attempt("ROLLBACK");
      return { error };
    }
  }

  /** @returns why it failed; nothing happened then. */
  #commit(): Failed | undefined {
    const failure = this.#attempt("COMMIT");
    if (failure && this.#connection.isTransaction) this.#attempt("ROLLBACK");
    return failure;
  }

  #attempt(text: string): Failed | undefined {
    try {
      this.#connection.exec(text);
      return undefined;
    } catch (error) {
      return { error };
    }
  }
}

function lostBy(ended: Ended): Failed {
  if ("error" in ended) return ended;
  return { error: new Error("The transaction ended by itself") };
}
