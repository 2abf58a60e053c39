import {
  applyChange,
  EMPTY_STATE,
  type StateChange,
  type StateView,
} from "../../src/store/state_view.ts";
import { StoreWriteError } from "../../src/store/store_errors.ts";
import type { StatePort } from "../../src/sync/node_state_handler.ts";

/** A state without a disk: updates are visible a turn later, as in the store. */
export class MemoryState implements StatePort {
  view: StateView;
  /** How many of the next updates fail as on a full disk. */
  failures = 0;
  /** Updates that wait until the test lets them go on. */
  #held: PromiseWithResolvers<void> | undefined;

  constructor(change: StateChange = {}) {
    this.view = { ...applyChange(EMPTY_STATE, change), revision: 0 };
  }

  hold(): void {
    this.#held = Promise.withResolvers();
  }

  release(): void {
    this.#held?.resolve();
    this.#held = undefined;
  }

  async update(
    decide: (latest: StateView) => StateChange | undefined,
  ): Promise<StateView> {
    await this.#held?.promise;
    const change = decide(this.view);
    if (this.failures > 0) {
      this.failures--;
      throw new StoreWriteError("a test", new Error("disk full"));
    }
    if (change) {
      const { revision } = this.view;
      this.view = {
        ...applyChange(this.view, change),
        revision: revision + 1,
      };
    }
    return this.view;
  }
}

/** What a view holds, in a form that is easy to compare. */
export function contentOf(
  { metadata, data, secretRefs }: StateView,
): {
  readonly metadata: Record<string, string>;
  readonly data: Record<string, string>;
  readonly secrets: readonly string[];
} {
  return {
    metadata: Object.fromEntries(metadata),
    data: Object.fromEntries(
      [...data].map(([key, { payload }]) => [key, payload]),
    ),
    secrets: secretRefs.map(({ key }) => key),
  };
}
