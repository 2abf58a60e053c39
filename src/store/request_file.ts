import * as z from "zod/mini";
import { decodeBase64, encodeBase64 } from "../wire/base64.ts";
import { parseShape } from "../wire/shape_error.ts";

/** Folder of requests and answers, below the membership's folder. */
export const REQUESTS_FOLDER = "requests";
export const REQUEST_FILE = `${REQUESTS_FOLDER}/request.json`;
export const ANSWER_FILE = `${REQUESTS_FOLDER}/answer.json`;

/** A request as it lies on disk. */
export interface StoredRequest {
  readonly id: string;
  readonly request:
    | { readonly kind: "deregister"; readonly force: boolean }
    | { readonly kind: "accept_epoch" }
    | { readonly kind: "reconcile" }
    | { readonly kind: "recent_log" }
    | {
      readonly kind: "join";
      /** A bootstrap token, sealed with the machine's key. */
      readonly sealedToken: Uint8Array<ArrayBuffer>;
    };
}

/** A key of the state that a pull has added, changed or removed. */
export interface StateChangeNote {
  readonly kind:
    | "metadata"
    | "data"
    | "secret"
    | "peer"
    | "policy"
    | "service";
  readonly key: string;
  readonly change: "added" | "changed" | "removed";
  /** Of what is there now, where it has one. */
  readonly version?: number | undefined;
}

/** What came of a request. */
export interface RequestAnswer {
  /** `unavailable`: the control plane could not be asked. */
  readonly outcome: "done" | "unavailable" | "refused" | "failed";
  /** For people: what went wrong, or what to know beside the outcome. */
  readonly message: string;
  /** Where it was refused as there is no node. */
  readonly reason?: "not_enrolled";
  /** What to look at when joining failed. */
  readonly remedy?: "token" | "resource" | "address" | "none";
  readonly nodeId?: string;
  readonly meshIp?: string;
  /** What a pull has changed: the first ones, and how many there are. */
  readonly changes?: readonly StateChangeNote[];
  readonly total?: number;
  /** The last lines of the agent's log, without credentials. */
  readonly log?: readonly string[];
}

const requestSchema = z.object({
  format: z.literal(1),
  id: z.string().check(z.minLength(1)),
  request: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("deregister"), force: z.boolean() }),
    z.object({ kind: z.enum(["accept_epoch", "reconcile", "recent_log"]) }),
    z.object({ kind: z.literal("join"), sealed_token: z.string() }),
  ]),
});

const answerSchema = z.object({
  format: z.literal(1),
  id: z.string(),
  outcome: z.enum(["done", "unavailable", "refused", "failed"]),
  message: z.string(),
  reason: z.optional(z.literal("not_enrolled")),
  remedy: z.optional(z.enum(["token", "resource", "address", "none"])),
  node_id: z.optional(z.string()),
  mesh_ip: z.optional(z.string()),
  changes: z.optional(z.array(z.object({
    kind: z.enum(["metadata", "data", "secret", "peer", "policy", "service"]),
    key: z.string(),
    change: z.enum(["added", "changed", "removed"]),
    version: z.optional(z.number()),
  }))),
  total: z.optional(z.int()),
  log: z.optional(z.array(z.string())),
});

export function encodeRequest(
  { id, request }: StoredRequest,
): Uint8Array<ArrayBuffer> {
  return encode({
    format: 1,
    id,
    request: request.kind === "join"
      ? { kind: "join", sealed_token: encodeBase64(request.sealedToken) }
      : request,
  });
}

/** @throws {ShapeError} */
export function decodeRequest(bytes: Uint8Array): StoredRequest {
  const text = new TextDecoder().decode(bytes);
  const { id, request } = parseShape("request", requestSchema, text);
  if (request.kind !== "join") return { id, request };
  // What is not base64 does not open either, and that is told.
  const sealedToken = decodeBase64(request.sealed_token) ?? new Uint8Array();
  return { id, request: { kind: "join", sealedToken } };
}

export function encodeAnswer(
  id: string,
  answer: RequestAnswer,
): Uint8Array<ArrayBuffer> {
  const { nodeId, meshIp, ...members } = answer;
  return encode({
    format: 1,
    id,
    ...members,
    node_id: nodeId,
    mesh_ip: meshIp,
  });
}

/**
 * @returns undefined for the answer to another request.
 * @throws {ShapeError}
 */
export function decodeAnswer(
  id: string,
  bytes: Uint8Array,
): RequestAnswer | undefined {
  const text = new TextDecoder().decode(bytes);
  const answer = parseShape("answer", answerSchema, text);
  const { outcome, message, reason, remedy, changes, total, log } = answer;
  const { node_id, mesh_ip } = answer;
  if (answer.id !== id) return undefined;
  return {
    outcome,
    message,
    ...(reason === undefined ? {} : { reason }),
    ...(remedy === undefined ? {} : { remedy }),
    ...(node_id === undefined ? {} : { nodeId: node_id }),
    ...(mesh_ip === undefined ? {} : { meshIp: mesh_ip }),
    ...(changes === undefined ? {} : { changes }),
    ...(total === undefined ? {} : { total }),
    ...(log === undefined ? {} : { log }),
  };
}

function encode(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value) + "\n");
}
