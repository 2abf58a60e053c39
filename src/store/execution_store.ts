import { describeError } from "../platform/log.ts";
import type { ExecutionResult } from "../wire/bodies.ts";
import {
  decodeExecution,
  encodeExecution,
  type ExecutionName,
  executionNameOf,
  type ExecutionRecord,
  EXECUTIONS_FOLDER,
  idPartOf,
  parseExecutionName,
} from "./execution_file.ts";
import { replaceFile } from "./replace_file.ts";
import type { StoreContext } from "./store_context.ts";
import { StoreWriteError } from "./store_errors.ts";
import { readOrFault } from "./typed_reads.ts";

/** Executions that are remembered; the oldest are forgotten first. */
const MAX_EXECUTIONS = 10_000;

/** An execution that is not over, or whose result is still to be reported. */
interface OpenExecution {
  readonly record: ExecutionRecord;
  /** The result stays on disk: it can be long. */
  readonly hasResult: boolean;
}

/**
 * Every execution that this node has begun, a file each, so that none is begun
 * twice; and each result, until the control plane has it.
 *
 * The name of a file says when it began, its id, and whether anything is left
 * to do. So opening the store reads only the few that are open.
 */
export class ExecutionStore {
  readonly #context: StoreContext;
  /** Names by the id's part of them, the oldest first. */
  readonly #names: Map<string, string>;
  /** By id, the oldest first. */
  readonly #open: Map<string, OpenExecution>;
  readonly #writes = new Set<Promise<void>>();
  #closed = false;

  private constructor(
    context: StoreContext,
    names: Map<string, string>,
    open: Map<string, OpenExecution>,
  ) {
    this.#context = context;
    this.#names = names;
    this.#open = open;
  }

  /** Opens the store. What is damaged is told; its id stays known. */
  static open(context: StoreContext): ExecutionStore {
    const names = new Map<string, string>();
    const open = new Map<string, OpenExecution>();
    for (const { name, isOpen, idPart } of soundNames(context)) {
      names.set(idPart, name);
      const record = isOpen ? readOpen(context, name) : undefined;
      if (!record) continue;
      const { result, ...rest } = record;
      const hasResult = result !== undefined;
      open.set(record.executionId, { record: rest, hasResult });
    }
    return new ExecutionStore(context, names, open);
  }

  /** Whether it has ever been begun here. */
  has(executionId: string): boolean {
    return this.#names.has(idPartOf(executionId));
  }

  /** Executions that were begun and have no result, the oldest first. */
  get running(): readonly ExecutionRecord[] {
    return this.#openOnes(false);
  }

  /** Executions whose result is to be reported, without it, oldest first. */
  get unreported(): readonly ExecutionRecord[] {
    return this.#openOnes(true);
  }

  /**
   * Notes that an execution begins; nothing may run before this resolves.
   *
   * @throws {StoreWriteError} when it could not be made durable.
   */
  async begin(executionId: string, action: string): Promise<void> {
    const acceptedAtMs = this.#context.clock.now();
    const record = { executionId, action, acceptedAtMs };
    const { name, idPart } = executionNameOf(record, true);
    await this.#write(name, record);
    this.#names.set(idPart, name);
    this.#open.set(executionId, { record, hasResult: false });
    this.#makeRoom();
  }

  /**
   * Stores how an execution ended, to be reported.
   *
   * @throws {StoreWriteError} when it could not be made durable.
   */
  async finish(result: ExecutionResult): Promise<void> {
    const open = this.#open.get(result.execution_id);
    if (!open) return;
    const { record } = open;
    await this.#write(executionNameOf(record, true).name, {
      ...record,
      result,
    });
    this.#open.set(record.executionId, { record, hasResult: true });
  }

  /**
   * A result that is to be reported; undefined when it cannot be read any more,
   * which is told, and ends the matter.
   *
   * @throws {StoreReadError} when the system does not let it be read now.
   */
  result(executionId: string): ExecutionResult | undefined {
    const open = this.#open.get(executionId);
    if (!open?.hasResult) return undefined;
    const { name } = executionNameOf(open.record, true);
    const result = readOpen(this.#context, name)?.result;
    if (!result) this.#open.delete(executionId);
    return result;
  }

  /**
   * Notes that the control plane has a result, or will not have it: its output
   * is forgotten.
   *
   * @throws {StoreWriteError} when that could not be made durable: then it is
   * reported once more.
   * @throws {StoreReadError} as {@linkcode result}.
   */
  async settle(executionId: string): Promise<void> {
    const open = this.#open.get(executionId);
    if (!open) return;
    const result = this.result(executionId);
    const former = executionNameOf(open.record, true);
    const next = executionNameOf(open.record, false);
    await this.#write(next.name, {
      ...open.record,
      ...(result ? { result: { ...result, stdout: "", stderr: "" } } : {}),
    });
    this.#names.set(next.idPart, next.name);
    this.#open.delete(executionId);
    remove(this.#context, former.name);
  }

  /** Takes no more, and resolves when what is being written is durable. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#writes);
  }

  #openOnes(hasResult: boolean): ExecutionRecord[] {
    return [...this.#open.values()]
      .filter((one) => one.hasResult === hasResult)
      .map((one) => one.record);
  }

  async #write(name: string, record: ExecutionRecord) {
    if (this.#closed) throw new TypeError("Cannot write: the store is closed");
    const { disk, temp, folders } = this.#context;
    const work = async () => {
      const target = folders.target(`${EXECUTIONS_FOLDER}/${name}`);
      await replaceFile(disk, temp, target, encodeExecution(record));
    };
    const write = work();
    this.#writes.add(write);
    try {
      await write;
    } catch (error) {
      throw new StoreWriteError("an execution", error);
    } finally {
      this.#writes.delete(write);
    }
  }

  /** Open ones are never forgotten: they are few, and not over. */
  #makeRoom() {
    for (const [idPart, name] of this.#names) {
      if (this.#names.size <= MAX_EXECUTIONS) return;
      if (parseExecutionName(name)?.isOpen) continue;
      this.#names.delete(idPart);
      remove(this.#context, name);
    }
  }
}

/** One name for each execution, the oldest first; what is left over goes. */
function soundNames(context: StoreContext): ExecutionName[] {
  const { disk, root } = context;
  const found = disk.list(`${root}/${EXECUTIONS_FOLDER}`)
    .map(({ name }) => parseExecutionName(name))
    .filter((one) => one !== undefined)
    .sort((a, b) => a.sortKey < b.sortKey ? -1 : 1);
  const done = new Set(
    found.filter((one) => !one.isOpen).map((one) => one.idPart),
  );
  return found.filter((one) => {
    const isLeftOver = one.isOpen && done.has(one.idPart);
    if (isLeftOver) remove(context, one.name);
    return !isLeftOver;
  });
}

/** What stays goes when the store is opened again. */
function remove({ disk, root, log }: StoreContext, name: string) {
  try {
    disk.remove(`${root}/${EXECUTIONS_FOLDER}/${name}`);
  } catch (error) {
    log.warn("A stored execution could not be removed", {
      error: describeError(error),
    });
  }
}

/** A damaged one, or one that cannot be read, is put with those that are over, so that it is not begun. */
function readOpen(
  context: StoreContext,
  name: string,
): ExecutionRecord | undefined {
  const { disk, root, recovered } = context;
  const file = `${EXECUTIONS_FOLDER}/${name}`;
  const bytes = readOrFault(disk, `${root}/${file}`);
  if (!bytes) return undefined;
  const isRead = bytes instanceof Uint8Array;
  const record = isRead ? decodeExecution(bytes) : undefined;
  if (record) return record;
  const what = isRead ? "damaged" : bytes.message;
  const to = `${EXECUTIONS_FOLDER}/${name.replace(/^open-/, "done-")}`;
  try {
    disk.rename(`${root}/${file}`, `${root}/${to}`);
    recovered({ file, what, action: `kept as ${to}` });
  } catch (error) {
    const action = `not put out of the way: ${describeError(error)}`;
    recovered({ file, what, action });
  }
  return undefined;
}
