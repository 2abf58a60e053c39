import * as z from "zod/mini";
import { parseRfc3339 } from "../../wire/rfc3339.ts";
import {
  LONGEST_SERVICE_TEXT,
  MAX_REFS,
  MAX_SERVICES,
} from "../../wire/service_assignment.ts";
import { auditAdmin } from "../admin_audit.ts";
import { emitAssignments, serviceText } from "../assignments.ts";
import { domainOf } from "../domains.ts";
import { emptyAnswer, jsonAnswer, jsonTextAnswer } from "../http/answers.ts";
import { readJson } from "../http/json_body.ts";
import { ProblemError } from "../http/problem.ts";
import { emitHint } from "../node_changes.ts";
import type { Services } from "../services.ts";
import type { DomainService } from "../storage/assignments.ts";
import type { Rows } from "../storage/storage.ts";
import {
  ADMIN_PREFIX,
  type AdminCall,
  type AdminRoute,
  bodyLimits,
  nodeOrProblem,
} from "./admin_route.ts";

/** Roles that one node may have. */
const MAX_ROLES = 64;

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const name = z.string().check(z.regex(NAME));
const ref = z.string().check(
  z.regex(/^[\x21-\x7e]+$/),
  z.maxLength(LONGEST_SERVICE_TEXT),
);
const refs = z._default(z.array(ref).check(z.maxLength(MAX_REFS)), []);

export const serviceSchema = z.strictObject({
  roles: z.array(name).check(z.minLength(1), z.maxLength(MAX_ROLES)),
  version: z._default(ref, "1"),
  desired_state: z._default(z.enum(["running", "stopped"]), "running"),
  policy_refs: refs,
  resource_refs: refs,
  connector_refs: refs,
  expires_at: z.optional(
    z.string().check(z.refine((text) => parseRfc3339(text) !== undefined)),
  ),
});

/**
 * `GET /services`, `GET`, `PUT` and `DELETE /services/{name}`: what a role
 * brings to the nodes of a domain, which is `?domain=NAME` or the default one.
 * `PUT` and `DELETE /nodes/{id}/roles/{role}`: which roles a node has.
 *
 * @see docs/wire.md, section j.1
 */
export function serviceRoutes(services: Services): AdminRoute[] {
  return [...ofDomains(services), ...ofNodes(services)];
}

function ofDomains(services: Services): AdminRoute[] {
  const { storage, changes, epoch, io } = services;
  const path = `${ADMIN_PREFIX}/services/{name}`;
  const change = (
    call: AdminCall,
    relation: string,
    work: (
      rows: Rows,
      domainId: string,
      known: DomainService | undefined,
    ) => Promise<readonly string[] | undefined>,
  ) =>
    changes.make(async (rows, emit) => {
      const domain = await domainOf(rows, call.request);
      const name = nameOf(call, "name");
      const known = await rows.assignments.service(domain.id, name);
      const roles = await work(rows, domain.id, known);
      if (!roles) return domain;
      const touched = new Set([...roles, ...known?.roles ?? []]);
      await emitAssignments(rows, emit, domain.id, touched, epoch);
      const object = `domain:${domain.id}/services/${name}`;
      await auditAdmin(
        rows,
        io.clock,
        call.operator,
        `service.${relation}`,
        object,
      );
      return domain;
    });
  return [
    {
      method: "GET",
      path: `${ADMIN_PREFIX}/services`,
      handle: ({ request }) =>
        storage.read(async (rows) => {
          const { id } = await domainOf(rows, request);
          const all = await rows.assignments.services(id);
          return jsonTextAnswer(
            `{"domain_id":${JSON.stringify(id)},"services":[${
              all.map(serviceText)
            }]}`,
          );
        }),
    },
    {
      method: "GET",
      path,
      handle: (call) =>
        storage.read(async (rows) => {
          const { id } = await domainOf(rows, call.request);
          const name = nameOf(call, "name");
          const service = await rows.assignments.service(id, name);
          if (!service) throw new ProblemError(404, "service_not_found");
          return jsonTextAnswer(serviceText(service));
        }),
    },
    {
      method: "PUT",
      path,
      async handle(call) {
        const name = nameOf(call, "name");
        const { value } = await readJson(
          call.request,
          serviceSchema,
          bodyLimits(services),
        );
        const { roles: given, ...members } = value;
        const roles = [...new Set(given)].sort();
        const spec = JSON.stringify(members);
        const domain = await change(
          call,
          "set",
          async (rows, domainId, known) => {
            const wanted = { name, roles, spec };
            if (known && serviceText(known) === serviceText(wanted)) {
              return undefined;
            }
            if (!known) await checkCount(rows, domainId);
            await rows.assignments.putService(domainId, wanted);
            return roles;
          },
        );
        return jsonAnswer({ domain_id: domain.id, name });
      },
    },
    {
      method: "DELETE",
      path,
      async handle(call) {
        await change(call, "remove", async (rows, domainId, known) => {
          if (!known) throw new ProblemError(404, "service_not_found");
          await rows.assignments.removeService(domainId, known.name);
          return [];
        });
        return emptyAnswer();
      },
    },
  ];
}

function ofNodes({ changes, epoch, io }: Services): AdminRoute[] {
  const path = `${ADMIN_PREFIX}/nodes/{id}/roles/{role}`;
  const change = (
    call: AdminCall,
    relation: string,
    work: (rows: Rows, nodeId: string, role: string) => Promise<boolean>,
  ) =>
    changes.make(async (rows, emit) => {
      const node = await nodeOrProblem(rows, call.params["id"]!);
      const role = nameOf(call, "role");
      if (!await work(rows, node.id, role)) return node.stateVersion;
      const object = `node:${node.id}/roles/${role}`;
      await auditAdmin(
        rows,
        io.clock,
        call.operator,
        `role.${relation}`,
        object,
      );
      return await emitHint(rows, emit, node, epoch);
    });
  return [
    {
      method: "PUT",
      path,
      async handle(call) {
        const version = await change(call, "set", async (rows, id, role) => {
          const isNew = await rows.assignments.addRole(id, role);
          const { length } = await rows.assignments.roles(id);
          if (length > MAX_ROLES) {
            throw new ProblemError(409, "role_quota_exceeded", {
              detail: `A node has at most ${MAX_ROLES} roles`,
            });
          }
          return isNew;
        });
        const { id, role } = call.params;
        return jsonAnswer({ node_id: id, role, epoch, state_version: version });
      },
    },
    {
      method: "DELETE",
      path,
      async handle(call) {
        await change(call, "remove", async (rows, id, role) => {
          if (await rows.assignments.removeRole(id, role)) return true;
          throw new ProblemError(404, "role_not_found");
        });
        return emptyAnswer();
      },
    },
  ];
}

/** Names are typed by people, and stand in reports' keys on nodes. */
function nameOf({ params }: AdminCall, place: "name" | "role"): string {
  const text = params[place]!;
  if (NAME.test(text)) return text;
  throw new ProblemError(400, "invalid_name", {
    detail: "A name has 1 to 64 letters, digits, dots, hyphens and " +
      "underscores, and starts with a letter or digit",
  });
}

async function checkCount(rows: Rows, domainId: string) {
  const { length } = await rows.assignments.services(domainId);
  if (length < MAX_SERVICES) return;
  throw new ProblemError(409, "service_quota_exceeded", {
    detail: `A domain has at most ${MAX_SERVICES} services`,
  });
}
