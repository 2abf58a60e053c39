import type { Dialect } from "../wire/dialect.ts";

/** A fresh key pair of the node. */
export interface NodeKeyPair {
  /** 32 bytes. */
  readonly privateKey: Uint8Array;
  /** Base64 of 32 bytes. */
  readonly publicKey: string;
}

/** What is stored before a node asks to be registered. */
export interface PendingRegistration extends NodeKeyPair {
  /**
   * Random text that nonces are made from: what is asked again after a lost
   * answer or a crash must carry the same one.
   */
  readonly nonceSeed: string;
}

/** What identifies this node, without its secrets. */
export interface PublicIdentity {
  readonly nodeId: string;
  readonly meshIp: string;
  /** Named by plexd's own control plane only. */
  readonly domainId?: string;
  /** What people called the node and its domain when it joined. */
  readonly nodeName?: string;
  readonly domainName?: string;
  /** Heartbeats may tell of the agent's health: announced at registration. */
  readonly heartbeatAgent?: boolean;
  /** Dialect that was settled at registration. */
  readonly dialect: Dialect;
  /** Dialect 2 only: name of the signing key, as it was at registration. */
  readonly signingKeyId?: string;
  /** Base URL of the control plane that issued it. */
  readonly controlPlane: string;
  /** RFC 3339 text. */
  readonly enrolledAt: string;
  /** Base64 of 32 bytes, X25519. */
  readonly publicKey: string;
  /** Base64 of 32 bytes, Ed25519, as it was at registration. */
  readonly signingPublicKey: string;
}

/** What a registered node is. The two secrets are sealed on disk. */
export interface Identity extends PublicIdentity {
  /** 32 bytes, X25519. */
  readonly privateKey: Uint8Array;
  /** Text as received: bearer and source of the AES key. */
  readonly nodeSecretKey: string;
}
