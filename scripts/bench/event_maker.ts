import {
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from "node:crypto";
import { isoTime, systemClock } from "../../src/platform/clock.ts";
import { signedText } from "../../src/wire/canonical.ts";
import { encodeDataEntry } from "../../src/wire/data_entry.ts";
import { dataEntry } from "./prepare.ts";

/** An event as it is sent. */
export interface SentEvent {
  /** One message of an event stream. */
  readonly frame: Uint8Array<ArrayBuffer>;
  /** What its signature covers. */
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** Signs `node_state_updated` events, numbered from 2 on, as a control plane does. */
export class EventMaker {
  readonly #key: KeyObject;
  #version = 1;

  private constructor(key: KeyObject, readonly publicKey: string) {
    this.#key = key;
  }

  static create(): EventMaker {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const der = publicKey.export({ type: "spki", format: "der" });
    return new EventMaker(
      createPrivateKey(privateKey.export({ type: "pkcs8", format: "pem" })),
      der.subarray(-32).toString("base64"),
    );
  }

  /** An event that changes one of two entries, and its number. */
  next(): SentEvent & { readonly version: number } {
    const version = ++this.#version;
    const data = [dataEntry(0), dataEntry(1, version)].map(encodeDataEntry);
    const unsigned = {
      type: "node_state_updated",
      id: crypto.randomUUID(),
      issuedAt: isoTime(systemClock.now()),
      nonce: crypto.randomUUID(),
      payload: `{"node_id":"bench","epoch":1,"state_version":${version}` +
        `,"data":[${data}]}`,
    };
    const message = encoder.encode(signedText(unsigned));
    const signature = new Uint8Array(sign(null, message, this.#key));
    const frame = encoder.encode(
      `id: ${version}\nevent: ${unsigned.type}\ndata: ` +
        `{"event_type":"${unsigned.type}","event_id":"${unsigned.id}"` +
        `,"issued_at":"${unsigned.issuedAt}","nonce":"${unsigned.nonce}"` +
        `,"payload":${unsigned.payload}` +
        `,"signature":"${signature.toBase64()}"}\n\n`,
    );
    return { frame, message, signature, version };
  }
}

const encoder = new TextEncoder();
