import { createHash } from "node:crypto";
import { isoTime } from "../platform/clock.ts";
import type { Freshness } from "./ports.ts";
import { streamedBody } from "./streamed_body.ts";

/** The header fields that say how fresh a read is. */
export type FreshnessHeaders = Readonly<Record<string, string>>;

/** From this length on, in UTF-16 units, a body is handed over bit by bit. */
const LARGE = 256 * 1_024;

const VERIFIED_AT = "x-plexd-verified-at";
const STALE = "x-plexd-stale";

/** The same in a document: for readers that keep it without its header. */
export function freshnessMember(mark: FreshnessHeaders): string {
  return JSON.stringify({
    verified_at: mark[VERIFIED_AT] ?? null,
    stale: mark[STALE] === "true",
  });
}

/**
 * Turns freshness into header fields. As long as nothing has changed it hands
 * out the same object, by which a {@linkcode Representation} sees that its
 * prepared header is still true.
 */
export class FreshnessMark {
  readonly #freshness: () => Freshness;
  #last: Freshness = { stale: false };
  #headers: FreshnessHeaders = {};

  constructor(freshness: () => Freshness) {
    this.#freshness = freshness;
  }

  current(): FreshnessHeaders {
    const { verifiedAtMs, stale } = this.#freshness();
    if (
      verifiedAtMs === this.#last.verifiedAtMs && stale === this.#last.stale
    ) {
      return this.#headers;
    }
    this.#last = verifiedAtMs === undefined
      ? { stale }
      : { verifiedAtMs, stale };
    this.#headers = {
      ...(verifiedAtMs === undefined ? {} : {
        [VERIFIED_AT]: isoTime(verifiedAtMs),
      }),
      ...(stale ? { [STALE]: "true" } : {}),
    };
    return this.#headers;
  }
}

/**
 * A body that can be served many times: text, tag and header are prepared once,
 * since building them costs more than all the rest of a read.
 */
export class Representation {
  readonly #body: string;
  readonly #tail: ((mark: FreshnessHeaders) => string) | undefined;
  readonly #etag: string;
  #mark: FreshnessHeaders | undefined;
  /**
   * Never sent itself: a copy costs an eighth of a new answer. Copies share its
   * bytes; text would be encoded for each of them.
   */
  #prepared = new Response();
  /** All of a large body, for its stream; undefined for others. */
  #bytes: Uint8Array | undefined;

  /**
   * @param json The document without the newline that ends each body.
   * @param tail Ends the document with what tells of its freshness: no part of
   * what the tag stands for.
   */
  constructor(json: string, tail?: (mark: FreshnessHeaders) => string) {
    this.#body = tail ? json : json + "\n";
    this.#tail = tail;
    // Of the content, as versions of reports start again after a DELETE.
    // Truncated: a tag protects against a mix-up, not against an attacker.
    const digest = createHash("sha256").update(this.#body).digest("base64url");
    this.#etag = `W/"${digest.slice(0, 16)}"`;
  }

  #prepare(mark: FreshnessHeaders) {
    const body = this.#body + (this.#tail ? this.#tail(mark) + "\n" : "");
    const bytes = new TextEncoder().encode(body);
    this.#bytes = body.length < LARGE ? undefined : bytes;
    this.#prepared = new Response(this.#bytes ? null : bytes, {
      headers: {
        "content-type": "application/json",
        ...(this.#bytes && { "content-length": `${this.#bytes.length}` }),
        "etag": this.#etag,
        ...mark,
      },
    });
  }

  /** @param ifNoneMatch The request's field of that name. */
  answer(mark: FreshnessHeaders, ifNoneMatch: string | null): Response {
    if (ifNoneMatch !== null && matchesTag(ifNoneMatch, this.#etag)) {
      const headers = { "etag": this.#etag, ...mark };
      return new Response(null, { status: 304, headers });
    }
    if (mark !== this.#mark) {
      this.#mark = mark;
      this.#prepare(mark);
    }
    return this.#bytes
      ? new Response(streamedBody(this.#bytes), this.#prepared)
      : this.#prepared.clone();
  }
}

/** Weak comparison, as RFC 9110, section 13.1.2 asks for. */
function matchesTag(ifNoneMatch: string, etag: string): boolean {
  if (ifNoneMatch.trim() === "*") return true;
  const opaque = etag.slice("W/".length);
  const listed: readonly string[] =
    ifNoneMatch.match(/"[\x21\x23-\x7e\x80-\xff]*"/g) ?? [];
  return listed.includes(opaque);
}
