import { describeError } from "../platform/log.ts";
import { CommitQueue } from "./commit_queue.ts";
import { replaceFile } from "./replace_file.ts";
import {
  pathOf,
  planCommit,
  type StateCommit,
  type StateFile,
} from "./state_commit.ts";
import { encodeSums, type StateSums, SUMS_FILE } from "./state_sums.ts";
import {
  applyChange,
  sameParts,
  type StateChange,
  type StateParts,
  type StateView,
} from "./state_view.ts";
import type { StoreContext } from "./store_context.ts";
import { StoreWriteError } from "./store_errors.ts";

/** Redo steps beyond this many characters are not left to be read at start. */
const LARGE_REDO = 64 * 1024;

/** Says what should change, given everything that was decided before it. */
export type DecideStateChange = (latest: StateView) => StateChange | undefined;

/** Hears of every new view, after it is durable and can be read. */
export type StateListener = (view: StateView, previous: StateView) => void;

interface StateJob {
  readonly decide: DecideStateChange;
  readonly resolve: (view: StateView) => void;
  readonly reject: (error: unknown) => void;
}

/** What a {@linkcode StateStore} starts from. */
export interface OpenedState {
  readonly state: StateParts;
  /** What `state` looks like on disk. */
  readonly sums: StateSums;
  /** Files, by path, that could not be put in order. */
  readonly unsure: ReadonlyMap<string, StateFile>;
  /** Whether the file of sums could not be put in order. */
  readonly sumsUnsure: boolean;
}

/**
 * The node's state as the control plane wants it: durable first, then visible.
 *
 * A commit is one replacement of the file of sums, which also holds what is to
 * be done to the other files. Before it nothing has changed; after it a crash
 * is made good when the store is opened.
 */
export class StateStore {
  readonly #context: StoreContext;
  readonly #queue = new CommitQueue<StateJob>((jobs) => this.#run(jobs));
  readonly #listeners = new Set<StateListener>();
  #view: StateView;
  #sums: StateSums;
  /** Files of which a failed commit left unknown what they hold. */
  #unsure: ReadonlyMap<string, StateFile>;
  #sumsUnsure: boolean;

  constructor(context: StoreContext, opened: OpenedState) {
    this.#context = context;
    this.#view = Object.freeze({ ...opened.state, revision: 0 });
    this.#sums = opened.sums;
    this.#unsure = opened.unsure;
    this.#sumsUnsure = opened.sumsUnsure;
  }

  /** The latest durable state. */
  get view(): StateView {
    return this.#view;
  }

  /**
   * Decides a change on the latest state, those queued before it included, and
   * resolves with a view that holds it once it is durable. Many updates share
   * one commit.
   *
   * @throws {StoreWriteError} when it could not be made durable: the view is
   * as it was, and so is what later updates are decided on.
   */
  update(decide: DecideStateChange): Promise<StateView> {
    return new Promise((resolve, reject) =>
      this.#queue.add({ decide, resolve, reject })
    );
  }

  /** Calls `listener` after every change. @returns What ends that. */
  onChange(listener: StateListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes no more updates, and resolves when those it has are done. */
  close(): Promise<void> {
    return this.#queue.close();
  }

  async #run(jobs: readonly StateJob[]) {
    let draft: StateParts = this.#view;
    const decided: StateJob[] = [];
    for (const job of jobs) {
      try {
        const latest = { ...draft, revision: this.#view.revision };
        const change = job.decide(Object.freeze(latest));
        if (change) draft = applyChange(draft, change);
        decided.push(job);
      } catch (error) {
        job.reject(error);
      }
    }
    try {
      const changed = !sameParts(draft, this.#view);
      // What a failure left behind is put in order at the first occasion.
      if (changed || this.#sumsUnsure) await this.#commit(draft);
    } catch (error) {
      const failure = new StoreWriteError("the node's state", error);
      for (const job of decided) job.reject(failure);
      return;
    }
    for (const job of decided) job.resolve(this.#view);
  }

  async #commit(to: StateParts) {
    const commit = planCommit(this.#view, to, this.#sums, this.#unsure);
    try {
      await this.#write(commit);
    } catch (error) {
      await this.#rollBack();
      throw error;
    }
    const previous = this.#view;
    this.#view = Object.freeze({ ...to, revision: previous.revision + 1 });
    this.#sums = { ...commit.sums, redo: [] };
    this.#tell(previous);
    await this.#dropLargeRedo(commit.sums);
  }

  async #write({ sums, steps }: StateCommit) {
    const { disk, temp, folders, root } = this.#context;
    const written = steps.filter((step) => step.bytes);
    // A full disk shows here, before anything has changed.
    const temps = await temp.write([
      encodeSums(sums),
      ...written.map((step) => step.bytes!),
    ]);
    try {
      const [sumsTemp, ...rest] = temps;
      // From here on a failure leaves unknown what the files hold.
      this.#sumsUnsure = true;
      this.#unsure = new Map(steps.map((step) => [step.file, step.target]));
      disk.rename(sumsTemp!, `${root}/${SUMS_FILE}`);
      await folders.target(SUMS_FILE).folder.sync();
      for (const [at, step] of written.entries()) {
        disk.rename(rest[at]!, `${root}/${step.file}`);
      }
      for (const step of steps) {
        if (!step.bytes) disk.remove(`${root}/${step.file}`);
      }
      const touched = new Set(
        steps.map((step) => folders.target(step.file).folder),
      );
      for (const folder of touched) await folder.sync();
    } catch (error) {
      temp.discard(temps);
      throw error;
    }
    this.#unsure = new Map();
    this.#sumsUnsure = false;
  }

  /**
   * Puts the files back after a commit that failed half way. When that fails
   * too, the next commit writes them.
   */
  async #rollBack() {
    if (!this.#sumsUnsure) return;
    try {
      await this.#write(
        planCommit(this.#view, this.#view, this.#sums, this.#unsure),
      );
    } catch (error) {
      this.#context.log.warn("State files could not be put back", {
        files: [...this.#unsure.values()].map(pathOf),
        error: describeError(error),
      });
    }
  }

  /** The first pull of a large state would otherwise be read twice at start. */
  async #dropLargeRedo(sums: StateSums) {
    const size = sums.redo.reduce(
      (sum, step) => sum + (step.text?.length ?? 0),
      0,
    );
    if (size <= LARGE_REDO) return;
    const { disk, temp, folders, log } = this.#context;
    const bytes = encodeSums({ ...sums, redo: [] });
    try {
      await replaceFile(disk, temp, folders.target(SUMS_FILE), bytes);
    } catch (error) {
      // The commit stands either way: only the next start takes longer.
      log.debug("State sums were not shortened", {
        error: describeError(error),
      });
    }
  }

  #tell(previous: StateView) {
    for (const listener of this.#listeners) {
      try {
        listener(this.#view, previous);
      } catch (error) {
        this.#context.log.error("A listener to the state failed", {
          error: describeError(error),
        });
      }
    }
  }
}
