/** At once from an embedded database, later from one behind a network. */
export type Eventual<T> = T | Promise<T>;
