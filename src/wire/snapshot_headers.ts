import type { StatePosition } from "./state.ts";

/**
 * Header in which a pull says which signed snapshot the node has activated
 * last, as `<epoch>.<version>`. plexd's own; others ignore it.
 */
export const APPLIED_HEADER = "x-plexd-applied";

/**
 * Header of a signed answer: the version of the trust bundle in force, so that
 * nodes need not ask for it in vain.
 */
export const TRUST_BUNDLE_HEADER = "x-plexd-trust-bundle";

/** The value of {@linkcode APPLIED_HEADER}. */
export function formatApplied({ epoch, version }: StatePosition): string {
  return `${epoch}.${version}`;
}

/** Reads {@linkcode APPLIED_HEADER}; undefined for anything else. */
export function parseApplied(text: string | null): StatePosition | undefined {
  const [, epochText, versionText] = /^(\d{1,16})\.(\d{1,16})$/.exec(
    text ?? "",
  ) ?? [];
  const epoch = Number(epochText);
  const version = Number(versionText);
  const good = Number.isSafeInteger(epoch) && Number.isSafeInteger(version) &&
    epoch > 0 && version > 0;
  return good ? { epoch, version } : undefined;
}

/** Reads {@linkcode TRUST_BUNDLE_HEADER}; undefined for anything else. */
export function parseBundleVersion(text: string | null): number | undefined {
  if (!/^\d{1,16}$/.test(text ?? "")) return undefined;
  const version = Number(text);
  return Number.isSafeInteger(version) ? version : undefined;
}
