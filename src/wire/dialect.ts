/**
 * The two ways in which control planes speak. Settled at registration and kept
 * with the identity.
 *
 * @see docs/wire.md, sections a to e for 1 and h for 2
 */
export type Dialect = 1 | 2;
