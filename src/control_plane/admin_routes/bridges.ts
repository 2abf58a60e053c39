import * as z from "zod/mini";
import { dropSpace } from "../../wire/canonical.ts";
import { auditAdmin } from "../admin_audit.ts";
import { emitBridgeChange } from "../bridges.ts";
import { emptyAnswer, jsonAnswer, jsonTextAnswer } from "../http/answers.ts";
import { readJson } from "../http/json_body.ts";
import { ProblemError } from "../http/problem.ts";
import type { Services } from "../services.ts";
import {
  ADMIN_PREFIX,
  type AdminRoute,
  bodyLimits,
  nodeOrProblem,
} from "./admin_route.ts";

/** A block goes into an event as a whole. */
export const MAX_BRIDGE_BYTES = 512 * 1024;

const PARTS = ["relay", "user_access", "ingress", "site_to_site"] as const;

const part = z.optional(z.nullable(z.looseObject({})));

export const bridgeSchema = z.strictObject({
  relay: part,
  user_access: part,
  ingress: part,
  site_to_site: part,
});

/**
 * `GET /bridges`, `GET`, `PUT` and `DELETE /bridges/{id}`: what a node that
 * carries traffic for others is to do. Each part is an object that only nodes
 * understand, or null.
 *
 * @see docs/wire.md, section h.4
 */
export function bridgeRoutes(services: Services): AdminRoute[] {
  const { storage, changes, epoch, io } = services;
  const path = `${ADMIN_PREFIX}/bridges/{id}`;
  return [
    {
      method: "GET",
      path: `${ADMIN_PREFIX}/bridges`,
      handle: () =>
        storage.read(async (rows) => {
          const bridges = (await rows.bridges.all()).map(bridgeText);
          return jsonTextAnswer(`{"bridges":[${bridges}]}`);
        }),
    },
    {
      method: "GET",
      path,
      handle: ({ params }) =>
        storage.read(async (rows) => {
          const { id } = await nodeOrProblem(rows, params["id"]!);
          const config = await rows.bridges.of(id);
          if (config === undefined) throw notThere();
          return jsonTextAnswer(bridgeText({ nodeId: id, config }));
        }),
    },
    {
      method: "PUT",
      path,
      async handle({ request, params, operator }) {
        const { raw } = await readJson(
          request,
          bridgeSchema,
          bodyLimits(services),
        );
        const config = blockText(raw);
        const done = await changes.make(async (rows, emit) => {
          const node = await nodeOrProblem(rows, params["id"]!);
          if (await rows.bridges.of(node.id) === config) {
            return { node_id: node.id, state_version: node.stateVersion };
          }
          await rows.bridges.put(node.id, config);
          await auditAdmin(
            rows,
            io.clock,
            operator,
            "bridge.set",
            `node:${node.id}`,
          );
          const version = await emitBridgeChange(rows, emit, node, epoch);
          return { node_id: node.id, state_version: version };
        });
        return jsonAnswer({ ...done, epoch });
      },
    },
    {
      method: "DELETE",
      path,
      async handle({ params, operator }) {
        await changes.make(async (rows, emit) => {
          const node = await nodeOrProblem(rows, params["id"]!);
          if (!await rows.bridges.remove(node.id)) throw notThere();
          await auditAdmin(
            rows,
            io.clock,
            operator,
            "bridge.remove",
            `node:${node.id}`,
          );
          await emitBridgeChange(rows, emit, node, epoch);
        });
        return emptyAnswer();
      },
    },
  ];
}

function bridgeText(bridge: { nodeId: string; config: string }): string {
  return `{"node_id":${
    JSON.stringify(bridge.nodeId)
  },"config":${bridge.config}}`;
}

/** Parts in one order and in one line; what is in them stays as it was written. */
function blockText(raw: ReadonlyMap<string, string>): string {
  const members = PARTS.flatMap((name) => {
    const text = raw.get(name);
    return text === undefined ? [] : [`"${name}":${dropSpace(text)}`];
  });
  const text = `{${members.join(",")}}`;
  if (new TextEncoder().encode(text).length <= MAX_BRIDGE_BYTES) return text;
  throw new ProblemError(413, "bridge_too_large", {
    detail: `A bridge's block has at most ${MAX_BRIDGE_BYTES} bytes`,
  });
}

function notThere() {
  return new ProblemError(404, "bridge_not_found", {
    detail: "This node carries no traffic for others",
  });
}
