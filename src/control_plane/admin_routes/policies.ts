import * as z from "zod/mini";
import { UUID } from "../../wire/uuid.ts";
import { auditAdmin } from "../admin_audit.ts";
import { domainOf } from "../domains.ts";
import { emptyAnswer, jsonAnswer, jsonTextAnswer } from "../http/answers.ts";
import { readJson } from "../http/json_body.ts";
import { ProblemError } from "../http/problem.ts";
import { adminPolicyText, compilePolicies } from "../policies.ts";
import type { Services } from "../services.ts";
import type { Operator } from "../operators.ts";
import type { PolicySelector } from "../storage/operations.ts";
import type { Domain, Rows } from "../storage/storage.ts";
import {
  ADMIN_PREFIX,
  type AdminCall,
  type AdminRoute,
  bodyLimits,
  checkedKey,
  checkWhole,
} from "./admin_route.ts";

/** Every pull of the domain carries all of them. */
export const MAX_POLICY_BYTES = 1024 * 1024;

/** More nodes are better named by metadata. */
const MAX_SELECTED_NODES = 1_000;

const word = z.string().check(z.regex(/^[a-z0-9_-]{1,32}$/));
const place = z.string().check(z.regex(/^[\x21-\x7e]{1,255}$/));

export const policySchema = z.strictObject({
  nodes: z.optional(
    z.array(z.string().check(z.regex(UUID)))
      .check(z.minLength(1), z.maxLength(MAX_SELECTED_NODES)),
  ),
  metadata: z.optional(z.record(z.string().check(z.minLength(1)), z.string())),
  rules: z.array(z.strictObject({
    src: place,
    dst: place,
    port: z.int().check(z.minimum(0), z.maximum(65_535)),
    protocol: word,
    action: word,
  })),
});

/**
 * `GET /policies`, `GET`, `PUT` and `DELETE /policies/{id}`: rules for nodes of a
 * domain, which is `?domain=NAME` or the default one. `nodes` and `metadata` say
 * for which of them; without either they are for all.
 *
 * @see docs/wire.md, section a.5
 */
export function policyRoutes(services: Services): AdminRoute[] {
  const { storage, changes, io } = services;
  const path = `${ADMIN_PREFIX}/policies/{id}`;
  return [
    {
      method: "GET",
      path: `${ADMIN_PREFIX}/policies`,
      handle: ({ request }) =>
        storage.read(async (rows) => {
          const { id } = await domainOf(rows, request);
          const policies = (await rows.policies.ofDomain(id))
            .map(adminPolicyText);
          return jsonTextAnswer(
            `{"domain_id":${JSON.stringify(id)},"policies":[${policies}]}`,
          );
        }),
    },
    {
      method: "GET",
      path,
      handle: (call) =>
        storage.read(async (rows) => {
          const domain = await domainOf(rows, call.request);
          const policy = await rows.policies.get(domain.id, idOf(call));
          if (!policy) throw new ProblemError(404, "policy_not_found");
          return jsonTextAnswer(adminPolicyText(policy));
        }),
    },
    {
      method: "PUT",
      path,
      async handle(call) {
        const id = idOf(call);
        const { value, raw } = await readJson(
          call.request,
          policySchema,
          bodyLimits(services),
        );
        checkWhole("metadata", raw, value.metadata);
        const rules = JSON.stringify(value.rules);
        const selector = selectorOf(value);
        const domain = await changes.make(async (rows, emit) => {
          const domain = await domainOf(rows, call.request);
          const known = await rows.policies.get(domain.id, id);
          const isKnown = known?.rules === rules &&
            JSON.stringify(known.selector) === JSON.stringify(selector);
          if (isKnown) return domain;
          await rows.policies.put(domain.id, { id, rules, selector });
          await checkSize(rows, domain.id);
          await compilePolicies(rows, emit, domain.id, services);
          await audit(rows, call.operator, "policy.set", domain, id);
          return domain;
        });
        return jsonAnswer({ domain_id: domain.id, id });
      },
    },
    {
      method: "DELETE",
      path,
      async handle(call) {
        const id = idOf(call);
        await changes.make(async (rows, emit) => {
          const domain = await domainOf(rows, call.request);
          if (!await rows.policies.remove(domain.id, id)) {
            throw new ProblemError(404, "policy_not_found");
          }
          await compilePolicies(rows, emit, domain.id, services);
          await audit(rows, call.operator, "policy.remove", domain, id);
        });
        return emptyAnswer();
      },
    },
  ];

  function audit(
    rows: Rows,
    operator: Operator,
    relation: string,
    domain: Domain,
    id: string,
  ) {
    return auditAdmin(
      rows,
      io.clock,
      operator,
      relation,
      `domain:${domain.id}/policies/${id}`,
    );
  }
}

/** Ids and names in one order, so that the same selector is the same text. */
function selectorOf(
  { nodes, metadata }: z.infer<typeof policySchema>,
): PolicySelector | undefined {
  if (!nodes && !metadata) return undefined;
  return {
    ...(nodes
      ? { nodes: [...new Set(nodes.map((id) => id.toLowerCase()))].sort() }
      : {}),
    ...(metadata
      ? { metadata: Object.fromEntries(Object.entries(metadata).sort()) }
      : {}),
  };
}

function idOf({ params }: AdminCall): string {
  return checkedKey(params["id"]!);
}

async function checkSize(rows: Rows, domainId: string) {
  if (await rows.policies.size(domainId) <= MAX_POLICY_BYTES) return;
  throw new ProblemError(409, "policy_quota_exceeded", {
    detail: `Policies of a domain have at most ${MAX_POLICY_BYTES} bytes`,
  });
}
