import { WATCH_KINDS, type WatchKind } from "../../wire/watch.ts";

/** Which changes a reader wants; an empty set is all of them. */
export interface WatchFilter {
  readonly kinds: ReadonlySet<WatchKind>;
  readonly keys: ReadonlySet<string>;
}

/** What a request asks for. */
export interface WatchRequest {
  readonly filter: WatchFilter;
  /** Where the reader has stopped before; undefined for one that begins. */
  readonly position?: string;
}

/** A request cannot be served as it is; the message says why. */
export class WatchRequestError extends Error {
  override readonly name = "WatchRequestError";
}

/** Most keys of one request: a reader of more filters by itself. */
const MOST_KEYS = 64;

/** Longer than any key of this API. */
const LONGEST_KEY = 1024;

const PARAMETERS = ["kind", "key", "last_event_id"] as const;

/**
 * Reads filters and position of a request. The header field `Last-Event-ID`
 * counts before the parameter: a browser that comes back sends the field, and
 * the URL that it has begun with.
 *
 * @throws {WatchRequestError}
 */
export function parseWatchRequest(
  url: string,
  headers: Headers,
): WatchRequest {
  const query = parseQuery(url);
  const kinds = query.getAll("kind").flatMap((list) => list.split(","));
  const keys = query.getAll("key");
  if (keys.length > MOST_KEYS) {
    throw new WatchRequestError(`key is given more than ${MOST_KEYS} times`);
  }
  for (const key of keys) {
    if (key === "" || key.length > LONGEST_KEY) {
      throw new WatchRequestError(
        `key must have 1 to ${LONGEST_KEY} characters`,
      );
    }
  }
  const position = headers.get("last-event-id") ||
    query.get("last_event_id") || undefined;
  return {
    filter: { kinds: new Set(kinds.map(parseKind)), keys: new Set(keys) },
    ...(position === undefined ? {} : { position }),
  };
}

function parseQuery(url: string): URLSearchParams {
  const at = url.indexOf("?");
  const text = at < 0 ? "" : url.slice(at + 1);
  try {
    // What is broken would be replaced without a word, and match nothing.
    decodeURIComponent(text);
  } catch {
    throw new WatchRequestError("malformed query");
  }
  const query = new URLSearchParams(text);
  const known: readonly string[] = PARAMETERS;
  if ([...query.keys()].some((name) => !known.includes(name))) {
    throw new WatchRequestError(
      `unknown parameter: there are ${PARAMETERS.join(", ")}`,
    );
  }
  return query;
}

function parseKind(text: string): WatchKind {
  const kind = WATCH_KINDS.find((known) => known === text);
  if (kind !== undefined) return kind;
  throw new WatchRequestError(
    `unknown kind: there are ${WATCH_KINDS.join(", ")}`,
  );
}
