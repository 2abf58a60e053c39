import * as z from "zod/mini";
import { isoTime } from "../../platform/clock.ts";
import { dropSpace } from "../../wire/canonical.ts";
import { auditAdmin } from "../admin_audit.ts";
import { emptyAnswer, jsonAnswer } from "../http/answers.ts";
import { readJson } from "../http/json_body.ts";
import { ProblemError } from "../http/problem.ts";
import { emitStateChange, type StatePart } from "../node_changes.ts";
import { compilePolicies } from "../policies.ts";
import type { Services } from "../services.ts";
import type { Node, Rows } from "../storage/storage.ts";
import { checkKey2 } from "../dialect2/keys.ts";
import { SEALED } from "../vault.ts";
import {
  ADMIN_PREFIX,
  type AdminCall,
  type AdminRoute,
  bodyLimits,
  checkedKey,
  checkedText,
  nodeOrProblem,
} from "./admin_route.ts";

/** A pull's answer must stay below the 10 MiB that agents take. */
export const MAX_STATE_BYTES = 8 * 1024 * 1024;

export const valueSchema = z.strictObject({ value: z.string() });

export const dataValueSchema = z.strictObject({
  content_type: z.string().check(z.regex(/^[\x20-\x7e]{1,255}$/)),
  payload: z.unknown(),
});

/** Setting and removing a node's metadata, data and secrets. */
export function nodeValueRoutes(services: Services): AdminRoute[] {
  return [
    ...routesOf("metadata", "metadata", services, putMetadata, removeMetadata),
    ...routesOf("data", "data", services, putData, removeData),
    ...routesOf("secrets", "secret_refs", services, putSecret, removeSecret),
  ];
}

/** What one change works on. */
interface Target {
  readonly nodeId: string;
  readonly key: string;
}

/** What a transaction did, for the answer; undefined when it changed nothing. */
type Done = { readonly version?: number } | undefined;

/** Reads a call, and returns what its transaction is to do. */
type Put = (
  call: AdminCall,
  target: Target,
  services: Services,
) => Promise<(rows: Rows) => Promise<Done>>;

/** @returns whether it was there. */
type Remove = (rows: Rows, target: Target) => Promise<boolean>;

function routesOf(
  name: string,
  part: StatePart,
  services: Services,
  put: Put,
  remove: Remove,
): AdminRoute[] {
  const path = `${ADMIN_PREFIX}/nodes/{id}/${name}/{key}`;
  const { changes, epoch, io } = services;
  const change = (
    { operator }: AdminCall,
    target: Target,
    relation: string,
    work: Work,
  ) =>
    changes.make(async (rows, emit) => {
      const node = await nodeOrProblem(rows, target.nodeId);
      if (node.dialect === 2) checkKey2(part, target.key);
      const done = await work(rows);
      if (!done) return { state_version: node.stateVersion };
      const object = `node:${node.id}/${name}/${target.key}`;
      await auditAdmin(rows, io.clock, operator, `${name}.${relation}`, object);
      const version = await emitStateChange(rows, emit, node, part, epoch);
      if (part === "metadata") {
        await compilePolicies(rows, emit, node.domainId, services, node.id);
      }
      return { ...done, state_version: version };
    });
  return [
    {
      method: "PUT",
      path,
      async handle(call) {
        const target = targetOf(call);
        const work = await put(call, target, services);
        const done = await change(call, target, "set", work);
        return jsonAnswer({
          node_id: target.nodeId,
          key: target.key,
          epoch,
          ...done,
        });
      },
    },
    {
      method: "DELETE",
      path,
      async handle(call) {
        const target = targetOf(call);
        await change(call, target, "remove", async (rows) => {
          if (await remove(rows, target)) return {};
          throw new ProblemError(404, "key_not_found");
        });
        return emptyAnswer();
      },
    },
  ];
}

type Work = (rows: Rows) => Promise<Done>;

function targetOf({ params }: AdminCall): Target {
  return { nodeId: params["id"]!, key: checkedKey(params["key"]!) };
}

async function putMetadata(
  call: AdminCall,
  target: Target,
  services: Services,
) {
  const { value: body } = await readJson(
    call.request,
    valueSchema,
    bodyLimits(services),
  );
  const value = checkedText("The value", body.value);
  const { nodeId, key } = target;
  return async (rows: Rows): Promise<Done> => {
    const known = await rows.values.metadata(nodeId);
    if (known.get(key) === value) return undefined;
    await rows.values.setMetadata(nodeId, key, value);
    await checkSize(rows, nodeId);
    return {};
  };
}

async function putData(call: AdminCall, target: Target, services: Services) {
  const { value: body, raw } = await readJson(
    call.request,
    dataValueSchema,
    bodyLimits(services),
  );
  const given = raw.get("payload");
  if (given === undefined) {
    throw new ProblemError(400, "malformed_body", {
      detail: "Invalid body: payload: expected any JSON value",
    });
  }
  // In one line, as event streams need it; numbers and order stay as they are.
  const payload = dropSpace(given);
  const { nodeId, key } = target;
  const contentType = body.content_type;
  return async (rows: Rows): Promise<Done> => {
    const known = await rows.values.dataEntry(nodeId, key);
    if (known?.payload === payload && known.contentType === contentType) {
      return undefined;
    }
    const updatedAt = isoTime(services.io.clock.now());
    const version = await rows.values.setData(nodeId, {
      key,
      contentType,
      payload,
      updatedAt,
    });
    await checkSize(rows, nodeId);
    return { version };
  };
}

async function putSecret(call: AdminCall, target: Target, services: Services) {
  const { value: body } = await readJson(
    call.request,
    valueSchema,
    bodyLimits(services),
  );
  const { nodeId, key } = target;
  const sealed = await services.vault.seal(
    SEALED.secret(nodeId, key),
    new TextEncoder().encode(checkedText("The value", body.value)),
  );
  return async (rows: Rows): Promise<Done> => ({
    version: await rows.secrets.set(nodeId, key, sealed),
  });
}

const removeMetadata: Remove = async (rows, { nodeId, key }) =>
  await rows.values.removeMetadata(nodeId, key);

const removeData: Remove = async (rows, { nodeId, key }) =>
  await rows.values.removeData(nodeId, key);

const removeSecret: Remove = async (rows, { nodeId, key }) =>
  await rows.secrets.remove(nodeId, key);

async function checkSize(rows: Rows, nodeId: Node["id"]) {
  if (await rows.values.size(nodeId) <= MAX_STATE_BYTES) return;
  throw new ProblemError(409, "state_quota_exceeded", {
    detail: `Metadata and data of a node have at most ${MAX_STATE_BYTES} bytes`,
  });
}
