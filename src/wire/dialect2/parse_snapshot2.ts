import * as z from "zod/mini";
import { type DataEntry, keySchema, uniqueByKey } from "../data_entry.ts";
import { detached, rawMemberOfEach, rawMembers } from "../raw_json.ts";
import { servicesFrom, servicesSchema } from "../service_assignment.ts";
import { checkShape, ShapeError } from "../shape_error.ts";
import type { DesiredState, ExecutionRequest, Policy } from "../state.ts";
import { readObject } from "../state_members.ts";

/** What a value of dialect 2 is: text, whatever it holds. */
const VALUE_CONTENT_TYPE = "text/plain; charset=utf-8";

const nonEmpty = z.string().check(z.minLength(1));

/** Null counts as empty, but a list that is not there says nothing at all. */
const valuesSchema = z.nullable(z.array(z.object({
  key: keySchema,
  value: z.string(),
})));

const snapshotSchema = z.object({
  peers: z.nullish(z.array(z.object({
    node_id: nonEmpty,
    mesh_ip: z.string(),
    public_key: z.string(),
    fallback_endpoint: z.nullish(z.string()),
  }))),
  policy: z.nullish(z.object({
    revision_id: nonEmpty,
    rules: z.nullish(z.array(z.unknown())),
  })),
  state: z.nullish(z.object({ metadata: valuesSchema, data: valuesSchema })),
  executions: z.nullish(z.array(z.object({
    execution_id: nonEmpty,
    action: z.string(),
    type: z.optional(z.string()),
    parameters: z.nullish(z.record(z.string(), z.unknown())),
    status: z.string(),
    expires_at: z.nullish(z.string()),
  }))),
  services: servicesSchema,
});

/** Members that every snapshot has, null where nothing is set. */
const NEEDED = [
  "peers",
  "policy",
  "bridge",
  "state",
  "reports",
  "reachability",
];

/**
 * Reads the answer of a state pull in dialect 2.
 *
 * Versions, content types and secret references do not exist there: entries
 * come with version 0, which says that the node has to count by itself.
 *
 * @param text The body as received, or what a signed snapshot holds.
 * @param isSigned A signed snapshot has no reachability, which comes and goes.
 * @throws {ShapeError} when it is no dialect-2 snapshot. A document without that
 * dialect's members, or a state block without its lists, is refused: taken as
 * "everything is empty" it would wipe the node.
 * @see docs/wire.md, section h.4
 */
export function parseSnapshot2(
  text: string,
  { isSigned = false }: { readonly isSigned?: boolean } = {},
): DesiredState {
  const { value, members: raw } = readObject("state snapshot", text);
  const missing = NEEDED.filter((name) =>
    !raw.has(name) && !(isSigned && name === "reachability")
  );
  if (missing.length > 0) {
    throw new ShapeError(
      `Invalid state snapshot: it has no ${missing.join(", ")}, ` +
        "which dialect 2 always has",
    );
  }
  const snapshot = checkShape("state snapshot", snapshotSchema, value);
  return {
    metadata: new Map(
      uniqueByKey("metadata", snapshot.state?.metadata ?? [])
        .map((entry) => [entry.key, entry.value]),
    ),
    data: uniqueByKey("data", snapshot.state?.data ?? []).map(entryFrom),
    secretRefs: [],
    peers: (snapshot.peers ?? []).map((peer) => ({
      id: peer.node_id,
      publicKey: peer.public_key,
      meshIp: peer.mesh_ip,
      endpoint: peer.fallback_endpoint ?? "",
      allowedIps: [],
    })),
    policies: policiesFrom(raw.get("policy")!),
    ...(snapshot.services ? { services: servicesFrom(snapshot.services) } : {}),
    unversioned: true,
    executions: executionsFrom(
      raw.get("executions"),
      snapshot.executions ?? [],
    ),
  };
}

function entryFrom(entry: { key: string; value: string }): DataEntry {
  return {
    key: entry.key,
    contentType: VALUE_CONTENT_TYPE,
    payload: JSON.stringify(entry.value),
    version: 0,
    updatedAt: "",
  };
}

/** One policy at most: the rules that hold for the node, under their revision. */
function policiesFrom(raw: string): Policy[] {
  if (raw === "null") return [];
  const members = new Map(rawMembers(raw));
  return [{
    id: JSON.parse(members.get("revision_id")!) as string,
    rules: detached(members.get("rules") ?? "null"),
  }];
}

function executionsFrom(
  raw: string | undefined,
  executions: readonly {
    readonly execution_id: string;
    readonly action: string;
    readonly type?: string | undefined;
    readonly status: string;
    readonly expires_at?: string | null | undefined;
  }[],
): ExecutionRequest[] {
  if (executions.length === 0) return [];
  const parameters = rawMemberOfEach(raw ?? "[]", "parameters");
  return executions.map((execution, at) => ({
    executionId: execution.execution_id,
    action: execution.action,
    ...(execution.type === undefined ? {} : { type: execution.type }),
    parameters: parameters[at] ?? "null",
    status: execution.status,
    ...(execution.expires_at ? { expiresAt: execution.expires_at } : {}),
  }));
}
