import type { Report } from "../storage/storage.ts";

/** What a value that is no JSON is kept as. */
const PLAIN = "text/plain; charset=utf-8";

/**
 * A report's value, kept so that operators see JSON as JSON: it is the payload
 * of some report as text, where the node is plexd.
 */
export function kept(
  value: string,
): Pick<Report, "contentType" | "payload"> {
  try {
    JSON.parse(value);
    return { contentType: "application/json", payload: value };
  } catch {
    return { contentType: PLAIN, payload: JSON.stringify(value) };
  }
}

/** The value exactly as it came. */
export function valueOf(
  { contentType, payload }: Pick<Report, "contentType" | "payload">,
): string {
  return contentType === PLAIN ? JSON.parse(payload) : payload;
}
