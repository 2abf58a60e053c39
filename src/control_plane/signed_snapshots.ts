import { sign } from "node:crypto";
import { isoTime } from "../platform/clock.ts";
import type { Platform } from "../platform/platform.ts";
import { encodeBase64 } from "../wire/base64.ts";
import {
  contentHash,
  encodeSnapshot,
  snapshotSignedText,
} from "../wire/signed_snapshot.ts";
import { PrivateKeys } from "./private_keys.ts";
import { signingKeyId } from "./signing_keys.ts";
import type {
  Node,
  Rows,
  Storage,
  StoredSigningKey,
} from "./storage/storage.ts";
import type { Vault } from "./vault.ts";

/** How long a snapshot may be relied on, unless configured otherwise. */
export const DEFAULT_SNAPSHOT_LIFETIME_MS = 24 * 3_600_000;

/** The state document of a node in its dialect, without reachability. */
export type RenderContent = (rows: Rows, node: Node) => Promise<string>;

/** Options for {@linkcode SnapshotSigner}. */
export interface SnapshotSignerOptions {
  readonly storage: Storage;
  readonly vault: Vault;
  /** Names the history that state versions count in. */
  readonly epoch: number;
  /** @default {86400000} */
  readonly lifetimeMs?: number;
  readonly io: Platform;
}

/** A signed snapshot, and the version that it shows. */
export interface SignedState {
  readonly text: string;
  readonly version: number;
}

interface Rendered {
  readonly node: Node;
  readonly content: string;
  readonly hash: string;
  readonly key: StoredSigningKey;
  /** Nothing else was ever signed under this version. */
  readonly settled: boolean;
}

/**
 * Signs the states of nodes, each time anew.
 *
 * Two contents under one version would look like a contradiction to the node.
 * What was signed last is remembered, and when the content is another one, for
 * whatever reason, the version counts on.
 *
 * @see design, section 8 "Signed snapshots"
 */
export class SnapshotSigner {
  readonly #options: SnapshotSignerOptions;
  readonly #lifetimeMs: number;
  readonly #keys: PrivateKeys;

  /** @throws {RangeError} for a lifetime below a second. */
  constructor(options: SnapshotSignerOptions) {
    const { lifetimeMs = DEFAULT_SNAPSHOT_LIFETIME_MS, vault } = options;
    if (!(lifetimeMs >= 1_000)) {
      throw new RangeError(
        `Cannot sign snapshots as "lifetimeMs" must be >= 1000: current value is ${lifetimeMs}`,
      );
    }
    this.#options = options;
    this.#lifetimeMs = lifetimeMs;
    this.#keys = new PrivateKeys(vault);
  }

  /** @returns undefined when there is no such node any more. */
  async stateOf(
    nodeId: string,
    render: RenderContent,
  ): Promise<SignedState | undefined> {
    const { storage } = this.#options;
    let rendered = await storage.read((rows) =>
      this.#render(rows, nodeId, render)
    );
    if (rendered && !rendered.settled) {
      rendered = await storage.write((rows) =>
        this.#settle(rows, nodeId, render)
      );
    }
    return rendered && await this.#signed(rendered);
  }

  async #render(
    rows: Rows,
    nodeId: string,
    render: RenderContent,
  ): Promise<Rendered | undefined> {
    const node = await rows.nodes.byId(nodeId);
    if (!node) return undefined;
    const content = await render(rows, node);
    const key = await rows.signingKeys.current();
    if (!key) throw new Error("There is no signing key");
    const hash = contentHash(content);
    const last = await rows.snapshots.lastSigned(nodeId);
    const settled = last?.version === node.stateVersion &&
      last.contentSha256 === hash;
    return { node, content, hash, key, settled };
  }

  async #settle(
    rows: Rows,
    nodeId: string,
    render: RenderContent,
  ): Promise<Rendered | undefined> {
    let rendered = await this.#render(rows, nodeId, render);
    if (!rendered || rendered.settled) return rendered;
    const last = await rows.snapshots.lastSigned(nodeId);
    if (last && last.version >= rendered.node.stateVersion) {
      await rows.nodes.nextStateVersion(nodeId);
      rendered = await this.#render(rows, nodeId, render);
      if (!rendered) return undefined;
    }
    const { node, hash } = rendered;
    await rows.snapshots.signed(nodeId, {
      version: node.stateVersion,
      contentSha256: hash,
    });
    return rendered;
  }

  async #signed({ node, content, hash, key }: Rendered): Promise<SignedState> {
    const { epoch, io } = this.#options;
    const nowMs = io.clock.now();
    const header = {
      scope: `node:${node.id}`,
      epoch,
      version: node.stateVersion,
      dialect: node.dialect,
      issuedAt: isoTime(nowMs),
      expiresAt: isoTime(nowMs + this.#lifetimeMs),
      keyId: signingKeyId(key.publicKey),
      contentSha256: hash,
    };
    const message = new TextEncoder().encode(snapshotSignedText(header));
    const signature = sign(null, message, await this.#keys.of(key));
    const text = encodeSnapshot({
      ...header,
      content,
      signature: encodeBase64(new Uint8Array(signature)),
    });
    return { text, version: node.stateVersion };
  }
}
