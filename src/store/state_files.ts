import * as z from "zod/mini";
import { rawMemberOfEach, rawMembers } from "../wire/raw_json.ts";
import {
  type ServiceAssignment,
  serviceMembers,
  serviceSchema,
  servicesFrom,
} from "../wire/service_assignment.ts";
import { parseShape } from "../wire/shape_error.ts";
import type { Peer, Policy, SecretRef } from "../wire/state.ts";
import { encodeEntryFile } from "./entry_file.ts";
import { fileNameOf } from "./file_name.ts";
import type { StateParts } from "./state_view.ts";

/** The files of a node's state that hold a whole part each. */
export const PART_FILES = {
  metadata: "state/metadata.json",
  secrets: "state/secrets.json",
  directory: "peers/directory.json",
  services: "services/assignments.json",
} as const;
export type PartName = keyof typeof PART_FILES;
export const PART_NAMES = [
  "metadata",
  "secrets",
  "directory",
  "services",
] as const;

/** Folder of the data entries, one file each. */
export const DATA_FOLDER = "state/data";

/** Path of the file of one data entry, below the membership's folder. */
export function dataFileOf(key: string): string {
  return `${DATA_FOLDER}/${fileNameOf(key)}.json`;
}

/** Text of the file of one part. */
export function encodePart(part: PartName, state: StateParts): string {
  switch (part) {
    case "metadata":
      return encodeMetadata(state.metadata);
    case "secrets":
      return JSON.stringify(state.secretRefs, undefined, 2) + "\n";
    case "directory":
      return encodeDirectory(state.peers, state.policies);
    case "services":
      return encodeServices(state.services);
  }
}

/** Bytes of the file of one data entry; undefined when there is no such entry. */
export function encodeData(
  key: string,
  state: StateParts,
): Uint8Array<ArrayBuffer> | undefined {
  const entry = state.data.get(key);
  return entry && encodeEntryFile(entry).bytes;
}

/** Whether a part is the same in both states. */
export function samePart(
  part: PartName,
  a: StateParts,
  b: StateParts,
): boolean {
  switch (part) {
    case "metadata":
      return a.metadata === b.metadata;
    case "secrets":
      return a.secretRefs === b.secretRefs;
    case "directory":
      return a.peers === b.peers && a.policies === b.policies;
    case "services":
      return a.services === b.services;
  }
}

/**
 * Reads what {@linkcode encodePart} wrote.
 *
 * @throws {ShapeError} when the text is something else.
 */
export function decodePart(part: PartName, text: string): Partial<StateParts> {
  switch (part) {
    case "metadata":
      return { metadata: decodeMetadata(text) };
    case "secrets":
      return { secretRefs: decodeSecretRefs(text) };
    case "directory":
      return decodeDirectory(text);
    case "services":
      return { services: decodeServices(text) };
  }
}

/** Written by hand: an object cannot hold every name, such as `__proto__`. */
function encodeMetadata(metadata: ReadonlyMap<string, string>): string {
  const members = [...metadata].map(([name, value]) =>
    `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`
  );
  return members.length === 0 ? "{}\n" : `{\n${members.join(",\n")}\n}\n`;
}

function decodeMetadata(text: string): ReadonlyMap<string, string> {
  parseShape("metadata", z.record(z.string(), z.string()), text);
  return new Map(
    rawMembers(text).map(([name, raw]) => [name, String(JSON.parse(raw))]),
  );
}

const secretRefsSchema = z.array(
  z.object({ key: z.string(), version: z.number() }),
);

function decodeSecretRefs(text: string): readonly SecretRef[] {
  return Object.freeze(parseShape("secret index", secretRefsSchema, text));
}

const servicesFileSchema = z.object({
  format: z.literal(1),
  services: z.array(serviceSchema),
});

function encodeServices(services: readonly ServiceAssignment[]): string {
  const lines = services.map((one) => JSON.stringify(serviceMembers(one)));
  return `{"format":1,"services":[${lines.join(",\n")}]}\n`;
}

function decodeServices(text: string): readonly ServiceAssignment[] {
  const file = parseShape("services", servicesFileSchema, text);
  return Object.freeze(servicesFrom(file.services));
}

const directorySchema = z.object({
  peers: z.array(z.object({
    id: z.string(),
    public_key: z.string(),
    mesh_ip: z.string(),
    endpoint: z.string(),
    allowed_ips: z.array(z.string()),
  })),
  policies: z.array(z.object({ id: z.string(), rules: z.unknown() })),
});

/** Rules go in as they came. */
function encodeDirectory(
  peers: readonly Peer[],
  policies: readonly Policy[],
): string {
  const peerTexts = peers.map((peer) =>
    JSON.stringify({
      id: peer.id,
      public_key: peer.publicKey,
      mesh_ip: peer.meshIp,
      endpoint: peer.endpoint,
      allowed_ips: peer.allowedIps,
    })
  );
  const policyTexts = policies.map((policy) =>
    `{"id":${JSON.stringify(policy.id)},"rules":${policy.rules}}`
  );
  return `{"peers":[${peerTexts.join(",\n")}],\n` +
    `"policies":[${policyTexts.join(",\n")}]}\n`;
}

function decodeDirectory(
  text: string,
): { readonly peers: readonly Peer[]; readonly policies: readonly Policy[] } {
  const directory = parseShape("directory", directorySchema, text);
  const raw = new Map(rawMembers(text));
  const rules = rawMemberOfEach(raw.get("policies") ?? "[]", "rules");
  return {
    peers: Object.freeze(directory.peers.map((peer) => ({
      id: peer.id,
      publicKey: peer.public_key,
      meshIp: peer.mesh_ip,
      endpoint: peer.endpoint,
      allowedIps: peer.allowed_ips,
    }))),
    policies: Object.freeze(
      directory.policies.map(({ id }, at) => ({
        id,
        rules: rules[at] ?? "null",
      })),
    ),
  };
}
