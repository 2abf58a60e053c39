/**
 * The keys that sign releases, each as in its PEM file: base64 of its DER form.
 * A release that none of them has signed is not installed by `plexd upgrade`,
 * unless the operator names a key of their own. `install.sh` has the first one.
 */
export const RELEASE_KEYS: readonly string[] = [];
