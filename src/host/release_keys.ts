/**
 * The keys that sign releases, each base64 of its 32 bytes. A release that none
 * of them has signed is not installed by `plexd upgrade`, unless the operator
 * names a key of their own.
 */
export const RELEASE_KEYS: readonly string[] = [];
