import { fileURLToPath } from "node:url";

/** The repository, without a slash at its end. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url))
  .replace(/\/$/, "");

/** What builds make; git does not look at it. */
export const DIST = `${ROOT}/dist`;

/**
 * Where downloads are kept: outside the repository, so that they outlive it,
 * and for every checkout. What lies there is believed only after its hash.
 */
export function cacheFolder(): string {
  const home = Deno.env.get("HOME");
  const caches = Deno.env.get("XDG_CACHE_HOME") ??
    (home === undefined ? DIST : `${home}/.cache`);
  return `${caches}/plexd-build`;
}
