import { type KeyObject, sign } from "node:crypto";
import { isoTime } from "../platform/clock.ts";
import type { Platform } from "../platform/platform.ts";
import { encodeBase64 } from "../wire/base64.ts";
import { signedText, signedText2 } from "../wire/canonical.ts";
import type { Dialect } from "../wire/dialect.ts";
import { eventForm2 } from "./dialect2/event_form.ts";
import { PrivateKeys } from "./private_keys.ts";
import { publicKeyOf } from "./signing_key.ts";
import { signingKeyId } from "./signing_keys.ts";
import type { Storage, StoredEvent } from "./storage/storage.ts";
import type { Vault } from "./vault.ts";

/** One signature serves all nodes of a domain that take it within this time. */
const REUSE_MS = 60_000;

/** Most signed events that are kept for reuse. */
const MAX_KEPT = 1024;

/** 128 bits: no two events ever share one. */
const NONCE_BYTES = 16;

/** What ends a frame. */
const END = "\n\n";

const encoder = new TextEncoder();

/** Options for {@linkcode EventSigner}. */
export interface EventSignerOptions {
  readonly storage: Storage;
  readonly vault: Vault;
  readonly io: Platform;
}

/** Bytes of an event stream. */
export type Frame = Uint8Array<ArrayBuffer>;

/** An event as it is sent: signed, in the words of one dialect. */
export interface SentEvent {
  /** Its type in that dialect. */
  readonly type: string;
  /** As bytes of an event stream. */
  readonly frame: Frame;
  /** The signed envelope alone: a part of the frame. */
  readonly data: Frame;
}

interface KeptEvent {
  readonly sent: Promise<SentEvent | undefined>;
  readonly atMs: number;
}

/** The data of a frame, and the type that stands beside it. */
interface SignedEvent {
  readonly type: string;
  readonly data: string;
}

/**
 * Turns kept events into signed ones, as streams and the message bus send them.
 *
 * Events are signed when they are sent, since nodes refuse what was signed more
 * than five minutes ago, with the key that was current when they happened, since
 * a node that comes back follows key changes in their order.
 *
 * @see design, section 5 "From wire to workload"
 */
export class EventSigner {
  readonly #options: EventSignerOptions;
  readonly #keys: PrivateKeys;
  readonly #keyIds = new Map<string, string>();
  /** By dialect and sequence; also those that are still being signed. */
  readonly #sent = new Map<string, KeptEvent>();

  constructor(options: EventSignerOptions) {
    this.#options = options;
    this.#keys = new PrivateKeys(options.vault);
  }

  /**
   * The event signed, which all that it is for share; undefined where a dialect
   * does not have it.
   */
  sent(event: StoredEvent, dialect: Dialect): Promise<SentEvent | undefined> {
    const { clock } = this.#options.io;
    const place = `${dialect} ${event.sequence}`;
    const known = this.#sent.get(place);
    if (known && clock.elapsed() - known.atMs < REUSE_MS) return known.sent;
    const sent = this.#made(event, dialect);
    this.#keep(place, sent);
    sent.catch(() => this.#sent.delete(place));
    return sent;
  }

  async #made(
    event: StoredEvent,
    dialect: Dialect,
  ): Promise<SentEvent | undefined> {
    const signed = dialect === 2
      ? await this.#signed2(event)
      : await this.#signed1(event);
    if (!signed) return undefined;
    // ASCII, as all types are: its length is its bytes.
    const head = `id: ${event.sequence}\nevent: ${signed.type}\ndata: `;
    const frame = encoder.encode(`${head}${signed.data}${END}`);
    const data = frame.subarray(head.length, frame.length - END.length);
    return { type: signed.type, frame, data };
  }

  async #signed1(event: StoredEvent): Promise<SignedEvent> {
    const { clock, random } = this.#options.io;
    const unsigned = {
      type: event.type,
      id: event.id,
      issuedAt: isoTime(clock.now()),
      nonce: random.bytes(NONCE_BYTES).toHex(),
      payload: event.payload,
    };
    const text = signedText(unsigned);
    const signature = await this.#sign(event.signingKeyId, text);
    const data = `{"event_type":${JSON.stringify(unsigned.type)}` +
      `,"event_id":${JSON.stringify(unsigned.id)}` +
      `,"issued_at":${JSON.stringify(unsigned.issuedAt)}` +
      `,"nonce":${JSON.stringify(unsigned.nonce)}` +
      `,"payload":${unsigned.payload}` +
      `,"signature":${JSON.stringify(signature)}}`;
    return { type: event.type, data };
  }

  async #signed2(event: StoredEvent): Promise<SignedEvent | undefined> {
    const form = eventForm2(event);
    if (!form) return undefined;
    const { id } = event;
    const issuedAt = isoTime(this.#options.io.clock.now());
    const { signingKeyId: keyRow } = event;
    const keyId = await this.#keyIdOf(keyRow);
    const text = signedText2({ id, ...form, keyId, issuedAt });
    const signature = await this.#sign(keyRow, text);
    const data = `{"id":${JSON.stringify(id)}` +
      `,"type":${JSON.stringify(form.type)}` +
      `,"scope":${JSON.stringify(form.scope)}` +
      `,"key_id":${JSON.stringify(keyId)}` +
      `,"issued_at":${JSON.stringify(issuedAt)}` +
      `,"payload":${form.payload}` +
      `,"signature":${JSON.stringify(signature)}}`;
    return { type: form.type, data };
  }

  async #sign(keyRow: string, text: string): Promise<string> {
    const message = encoder.encode(text);
    const signature = sign(null, message, await this.#keyOf(keyRow));
    return encodeBase64(new Uint8Array(signature));
  }

  /** What a key is called on the wire. */
  async #keyIdOf(keyRow: string): Promise<string> {
    let keyId = this.#keyIds.get(keyRow);
    if (keyId === undefined) {
      keyId = signingKeyId(publicKeyOf(await this.#keyOf(keyRow)));
      this.#keyIds.set(keyRow, keyId);
    }
    return keyId;
  }

  #keep(place: string, sent: KeptEvent["sent"]) {
    this.#sent.delete(place);
    const [oldest] = this.#sent.keys();
    if (this.#sent.size >= MAX_KEPT && oldest !== undefined) {
      this.#sent.delete(oldest);
    }
    this.#sent.set(place, { sent, atMs: this.#options.io.clock.elapsed() });
  }

  async #keyOf(id: string): Promise<KeyObject> {
    const known = this.#keys.known(id);
    if (known) return known;
    const stored = await this.#options.storage.read(async (rows) =>
      await rows.signingKeys.byId(id)
    );
    if (!stored) throw new Error("A signing key is missing in the database");
    return await this.#keys.of(stored);
  }
}
