import { BoundedQueue } from "./bounded_queue.ts";

/**
 * Items that wait to be sent, and what became of the others. Outlives who sends
 * them: parts of the agent begin anew with each reload.
 */
export class BatchBuffer<Item> {
  readonly queue: BoundedQueue<Item>;
  sent = 0;
  /** Taken by nobody, and given up. */
  refused = 0;
  /** How many had been dropped when that was told last. */
  told = 0;

  /** @param limit Most items that are kept. */
  constructor(limit: number) {
    this.queue = new BoundedQueue(limit);
  }

  /** Refused, or pushed out by newer ones. */
  get dropped(): number {
    return this.refused + this.queue.dropped;
  }
}
