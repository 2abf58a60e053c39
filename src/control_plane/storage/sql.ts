export type SqlValue = string | number | Uint8Array | null;

/** A connection as the row files see it: text and values in, rows out. */
export interface Sql {
  /** @returns how many rows changed. */
  run(text: string, ...values: SqlValue[]): number;
  get(text: string, ...values: SqlValue[]): SqlRow | undefined;
  all(text: string, ...values: SqlValue[]): SqlRow[];
}

/** One row of an answer; a column of another type than asked for is a bug. */
export class SqlRow {
  readonly #columns: Readonly<Record<string, unknown>>;

  constructor(columns: Readonly<Record<string, unknown>>) {
    this.#columns = columns;
  }

  text(name: string): string {
    const value = this.#columns[name];
    if (typeof value === "string") return value;
    throw wrongType(name, "text");
  }

  number(name: string): number {
    const value = this.#columns[name];
    if (typeof value === "number") return value;
    throw wrongType(name, "a number");
  }

  bytes(name: string): Uint8Array<ArrayBuffer> {
    const value = this.#columns[name];
    if (value instanceof Uint8Array) return new Uint8Array(value);
    throw wrongType(name, "bytes");
  }

  textOrNothing(name: string): string | undefined {
    return this.#columns[name] === null ? undefined : this.text(name);
  }

  numberOrNothing(name: string): number | undefined {
    return this.#columns[name] === null ? undefined : this.number(name);
  }
}

function wrongType(name: string, wanted: string) {
  return new TypeError(`Column "${name}" is not ${wanted}`);
}
