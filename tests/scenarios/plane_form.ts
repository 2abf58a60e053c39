import { bearerFor } from "../../src/uplink/bearer.ts";
import { encodeBase64 } from "../../src/wire/base64.ts";
import { signedText, signedText2 } from "../../src/wire/canonical.ts";
import type { Dialect } from "../../src/wire/dialect.ts";

/** An event before it has the form of a dialect. */
export interface PlainEvent {
  readonly type: string;
  readonly id: string;
  readonly issuedAt: string;
  /** Dialect 1 alone has it. */
  readonly nonce: string;
  /** JSON text. */
  readonly payload: string;
}

/** What a scripted control plane says differently in each dialect. */
export interface PlaneForm {
  readonly dialect: Dialect;
  /** Who the first node to register is. */
  readonly nodeId: string;
  /** Nobody may find it in any text, nor the bearer that is made of it. */
  readonly nodeSecretKey: string;
  /** Who registers after that one. */
  readonly second: { readonly nodeId: string; readonly nodeSecretKey: string };
  /** A bootstrap token that has `name` in it, of letters from a to z alone. */
  token(name: string): string;
  bearer(nodeId: string, nodeSecretKey: string): string;
  registration(
    nodeId: string,
    nodeSecretKey: string,
    signingPublicKey: string,
  ): Readonly<Record<string, unknown>>;
  /** The bootstrap token in the body of a registration. */
  tokenIn(body: Readonly<Record<string, unknown>>): string;
  /** A signed event as the data of a message. */
  envelope(
    event: PlainEvent,
    nodeId: string,
    sign: (text: string) => string,
  ): string;
}

/** The name of the one signing key in dialect 2. */
const KEY_ID = "scripted-key";

const MESH_IP = "10.100.0.9";

const ONE: PlaneForm = {
  dialect: 1,
  nodeId: "n-scripted",
  nodeSecretKey: "canary0123456789abcdef0123456789",
  second: {
    nodeId: "n-second",
    nodeSecretKey: "second0123456789abcdef0123456789",
  },
  token: (name) => `plx_${name}`,
  bearer: (nodeId, key) => bearerFor(1, nodeId, key),
  registration: (node_id, node_secret_key, signing_public_key) => ({
    node_id,
    mesh_ip: MESH_IP,
    signing_public_key,
    node_secret_key,
  }),
  tokenIn: ({ token }) => String(token),
  envelope(event, _nodeId, sign) {
    const { type, id, issuedAt, nonce, payload } = event;
    return `{"event_type":${JSON.stringify(type)}` +
      `,"event_id":${JSON.stringify(id)}` +
      `,"issued_at":${JSON.stringify(issuedAt)}` +
      `,"nonce":${JSON.stringify(nonce)}` +
      `,"payload":${payload}` +
      `,"signature":${JSON.stringify(sign(signedText(event)))}}`;
  },
};

const TWO: PlaneForm = {
  dialect: 2,
  nodeId: "0190a8b8-a0c0-7a0a-8a0a-000000000001",
  nodeSecretKey: nskOf("canary0123456789abcdef0123456789"),
  second: {
    nodeId: "0190a8b8-a0c0-7a0a-8a0a-000000000002",
    nodeSecretKey: nskOf("second0123456789abcdef0123456789"),
  },
  token: (name) => `psb_test_any_node_${name.padEnd(20, "a")}`,
  bearer: (nodeId, key) => bearerFor(2, nodeId, key),
  registration: (node_id, nsk, signing_public_key) => ({
    node_id,
    mesh_ip: MESH_IP,
    signing_public_key,
    signing_key_id: KEY_ID,
    nsk,
    peer_snapshot: [],
    domain_mesh_cidr: "10.100.0.0/16",
  }),
  tokenIn: ({ bootstrap_token }) => String(bootstrap_token),
  envelope(event, nodeId, sign) {
    const { type, id, issuedAt, payload } = event;
    const scope = `node:${nodeId}`;
    const unsigned = { type, id, issuedAt, payload, scope, keyId: KEY_ID };
    return `{"id":${JSON.stringify(id)}` +
      `,"type":${JSON.stringify(type)}` +
      `,"scope":${JSON.stringify(scope)}` +
      `,"key_id":${JSON.stringify(KEY_ID)}` +
      `,"issued_at":${JSON.stringify(issuedAt)}` +
      `,"payload":${payload}` +
      `,"signature":${JSON.stringify(sign(signedText2(unsigned)))}}`;
  },
};

function nskOf(key: string): string {
  return encodeBase64(new TextEncoder().encode(key));
}

export function planeForm(dialect: Dialect): PlaneForm {
  return dialect === 1 ? ONE : TWO;
}
