import { createHash } from "node:crypto";
import type { Logger } from "../../platform/log.ts";
import type { PeerRow } from "./composition_source.ts";
import { type Addressed, soundPeers } from "./peer_invariants.ts";

/** All nodes of a domain as texts of one form, in ascending order of ids. */
interface DomainTexts {
  readonly ids: readonly string[];
  readonly texts: readonly string[];
  /** Of all of them together. */
  readonly digest: string;
}

/** The peers of one node as JSON. */
export interface PeersText {
  /** A JSON array; put together when it is asked for. */
  readonly text: string;
  /** The same for the same peers of the same node. */
  readonly digest: string;
}

/**
 * Writes peers as JSON, in one form.
 *
 * The nodes of a domain have nearly the same peers. So a domain's are written
 * once for as long as the source gives the same frozen list, and each node's are
 * all of them but itself.
 */
export class PeerTexts {
  readonly #write: (peer: PeerRow) => unknown;
  readonly #known = new WeakMap<readonly PeerRow[], DomainTexts>();

  /** @param write A peer as it goes into JSON. */
  constructor(write: (peer: PeerRow) => unknown) {
    this.#write = write;
  }

  /** @param members All nodes of the domain, the addressed one included or not. */
  of(
    members: readonly PeerRow[],
    addressed: Addressed,
    log: Logger,
  ): PeersText {
    const sound = soundPeers(members, addressed, log);
    const { ids, texts, digest } = this.#domain(members, sound);
    const { nodeId } = addressed;
    return {
      get text() {
        const at = ids.indexOf(nodeId);
        return `[${(at < 0 ? texts : texts.toSpliced(at, 1)).join(",")}]`;
      },
      digest: `${digest} without ${nodeId}`,
    };
  }

  #domain(
    members: readonly PeerRow[],
    sound: readonly PeerRow[],
  ): DomainTexts {
    const known = this.#known.get(members);
    if (known) return known;
    const texts = sound.map((row) => JSON.stringify(this.#write(row)));
    const made = {
      ids: sound.map(({ nodeId }) => nodeId),
      texts,
      digest: createHash("sha256").update(texts.join(",")).digest("base64url"),
    };
    if (Object.isFrozen(members)) this.#known.set(members, made);
    return made;
  }
}
