import { type KeyObject, sign } from "node:crypto";
import { isoTime } from "../platform/clock.ts";
import type { Platform } from "../platform/platform.ts";
import { encodeBase64 } from "../wire/base64.ts";
import { signedText } from "../wire/canonical.ts";
import { PrivateKeys } from "./private_keys.ts";
import type { Storage, StoredEvent } from "./storage/storage.ts";
import type { Vault } from "./vault.ts";

/** One signature serves all nodes of a domain that take it within this time. */
const REUSE_MS = 60_000;

/** Most signed frames that are kept for reuse. */
const MAX_FRAMES = 1024;

/** 128 bits: no two events ever share one. */
const NONCE_BYTES = 16;

/** Options for {@linkcode EventSigner}. */
export interface EventSignerOptions {
  readonly storage: Storage;
  readonly vault: Vault;
  readonly io: Platform;
}

/**
 * Turns kept events into signed frames of the event stream.
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
  readonly #frames = new Map<number, { text: string; atMs: number }>();

  constructor(options: EventSignerOptions) {
    this.#options = options;
    this.#keys = new PrivateKeys(options.vault);
  }

  /** The event as text of an event stream. */
  async frame(event: StoredEvent): Promise<string> {
    const { clock, random } = this.#options.io;
    const known = this.#frames.get(event.sequence);
    if (known && clock.elapsed() - known.atMs < REUSE_MS) return known.text;
    const key = await this.#keyOf(event.signingKeyId);
    const unsigned = {
      type: event.type,
      id: event.id,
      issuedAt: isoTime(clock.now()),
      nonce: random.bytes(NONCE_BYTES).toHex(),
      payload: event.payload,
    };
    const message = new TextEncoder().encode(signedText(unsigned));
    const signature = encodeBase64(new Uint8Array(sign(null, message, key)));
    const text = `id: ${event.sequence}\nevent: ${event.type}\ndata: ` +
      `{"event_type":${JSON.stringify(unsigned.type)}` +
      `,"event_id":${JSON.stringify(unsigned.id)}` +
      `,"issued_at":${JSON.stringify(unsigned.issuedAt)}` +
      `,"nonce":${JSON.stringify(unsigned.nonce)}` +
      `,"payload":${unsigned.payload}` +
      `,"signature":${JSON.stringify(signature)}}\n\n`;
    this.#keep(event.sequence, text);
    return text;
  }

  #keep(sequence: number, text: string) {
    this.#frames.delete(sequence);
    const [oldest] = this.#frames.keys();
    if (this.#frames.size >= MAX_FRAMES && oldest !== undefined) {
      this.#frames.delete(oldest);
    }
    this.#frames.set(sequence, {
      text,
      atMs: this.#options.io.clock.elapsed(),
    });
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
