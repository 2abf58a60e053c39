/** Items in order of arrival. Past its limit the oldest make room. */
export class BoundedQueue<Item> {
  #limit: number;
  #items: Item[] = [];
  #dropped = 0;

  /** @param limit Most items that are kept. */
  constructor(limit: number) {
    this.#limit = checked(limit);
  }

  /** Keeps another number of items from now on. */
  resize(limit: number): void {
    this.#limit = checked(limit);
    this.#makeRoom();
  }

  get size(): number {
    return this.#items.length;
  }

  /** How many items have had to make room so far. */
  get dropped(): number {
    return this.#dropped;
  }

  add(items: readonly Item[]): void {
    for (const item of items) this.#items.push(item);
    this.#makeRoom();
  }

  /** Puts back what was taken from the front: it is older than all others. */
  putBack(items: readonly Item[]): void {
    this.#items = [...items, ...this.#items];
    this.#makeRoom();
  }

  /** Removes the oldest items, at most `count` of them. */
  take(count: number = Infinity): Item[] {
    return this.#items.splice(0, count);
  }

  #makeRoom() {
    const excess = this.#items.length - this.#limit;
    if (excess <= 0) return;
    this.#items.splice(0, excess);
    this.#dropped += excess;
  }
}

function checked(limit: number): number {
  if (limit >= 1) return limit;
  throw new RangeError(
    `Cannot keep a queue as "limit" must be >= 1: current value is ${limit}`,
  );
}
