import * as z from "zod/mini";
import { auditAdmin } from "../admin_audit.ts";
import { hashOf, newToken } from "../credentials.ts";
import { newBootstrapToken } from "../dialect2/bootstrap_token.ts";
import { registrationAnswer2 } from "../dialect2/registration_answer.ts";
import { addDomain, DOMAIN_NAME } from "../domains.ts";
import { jsonAnswer } from "../http/answers.ts";
import { readJson } from "../http/json_body.ts";
import { ProblemError } from "../http/problem.ts";
import { canonicalKey } from "../public_key.ts";
import { registerNode } from "../registration.ts";
import { registrationAnswer } from "../registration_answer.ts";
import type { Services } from "../services.ts";
import type { Domain, Rows } from "../storage/storage.ts";
import { ADMIN_PREFIX, type AdminRoute, bodyLimits } from "./admin_route.ts";

/** Where the published control plane has domains; for operators, too. */
export const DOMAINS_PREFIX = "/v1/domains";

/** The token of a node that an operator registers is used at once. */
const TOKEN_TTL_MS = 60_000;

export const domainSchema = z.strictObject({
  name: z.string().check(z.regex(DOMAIN_NAME)),
  mesh_cidr: z.optional(z.string()),
});

export const domainNodeSchema = z.strictObject({
  public_key: z.string(),
  hostname: z.optional(
    z.string().check(z.regex(/^[\x21-\x7e]+$/), z.maxLength(255)),
  ),
  dialect: z.optional(z.union([z.literal(1), z.literal(2)])),
});

/**
 * `GET` and `POST /domains`, `GET /domains/{id}`, and `GET` and
 * `POST /domains/{id}/nodes`, below `/admin/v1` and below `/v1`. Nodes of one
 * domain are peers; two domains never see each other.
 *
 * @see seed Reconciliation pull, "Status"
 */
export function domainRoutes(services: Services): AdminRoute[] {
  return [`${ADMIN_PREFIX}/domains`, DOMAINS_PREFIX].flatMap((path) => [
    ...routesAt(path, services),
    ...nodeRoutesAt(path, services),
  ]);
}

function routesAt(path: string, services: Services): AdminRoute[] {
  const { storage, changes, io } = services;
  return [
    {
      method: "GET",
      path,
      async handle() {
        const domains = await storage.read(async (rows) =>
          await rows.domains.all()
        );
        return jsonAnswer({ domains: domains.map(shown) });
      },
    },
    {
      method: "POST",
      scope: "enrol",
      path,
      async handle({ request, operator }) {
        const { value } = await readJson(
          request,
          domainSchema,
          bodyLimits(services),
        );
        const { name, mesh_cidr } = value;
        const domain = await changes.make(async (rows) => {
          const added = await addDomain(
            rows,
            { name, ...(mesh_cidr ? { meshCidr: mesh_cidr } : {}) },
            io,
          );
          const object = `domain:${added.id}`;
          await auditAdmin(rows, io.clock, operator, "domain.create", object);
          return added;
        });
        return jsonAnswer(shown(domain), 201);
      },
    },
    {
      method: "GET",
      path: `${path}/{id}`,
      handle: ({ params }) =>
        storage.read(async (rows) =>
          jsonAnswer(shown(await domainOrProblem(rows, params["id"]!)))
        ),
    },
  ];
}

function nodeRoutesAt(path: string, services: Services): AdminRoute[] {
  const { storage, changes, io } = services;
  return [
    {
      method: "GET",
      path: `${path}/{id}/nodes`,
      handle: ({ params }) =>
        storage.read(async (rows) => {
          const { id } = await domainOrProblem(rows, params["id"]!);
          const nodes = await rows.nodes.ofDomain(id);
          return jsonAnswer({
            nodes: nodes.map((node) => ({
              node_id: node.id,
              mesh_ip: node.meshIp,
              public_key: node.publicKey,
              hostname: node.hostname,
              dialect: node.dialect,
            })),
          });
        }),
    },
    {
      method: "POST",
      scope: "enrol",
      path: `${path}/{id}/nodes`,
      async handle({ request, params, operator }) {
        const { value } = await readJson(
          request,
          domainNodeSchema,
          bodyLimits(services),
        );
        const { dialect = 1, hostname = "" } = value;
        const publicKey = canonicalKey(value.public_key);
        const token = dialect === 2
          ? newBootstrapToken(undefined, io.random)
          : newToken("plexd_join", io.random);
        await changes.make(async (rows) => {
          const { id } = await domainOrProblem(rows, params["id"]!);
          await rows.tokens.add({
            hash: hashOf(token),
            domainId: id,
            expiresAtMs: io.clock.now() + TOKEN_TTL_MS,
          });
          await auditAdmin(
            rows,
            io.clock,
            operator,
            "node.create",
            `domain:${id}`,
          );
        });
        const registered = await registerNode(services, {
          dialect,
          token,
          publicKey,
          hostname,
          labels: "{}",
          source: operator.source,
        });
        return dialect === 2
          ? await registrationAnswer2(services, registered)
          : await registrationAnswer(services, registered);
      },
    },
  ];
}

function shown({ id, name, meshCidr }: Domain) {
  return { domain_id: id, name, mesh_cidr: meshCidr };
}

/** @param id The id of a domain, or its name. */
async function domainOrProblem(rows: Rows, id: string): Promise<Domain> {
  const domain = await rows.domains.byId(id) ?? await rows.domains.byName(id);
  if (domain) return domain;
  throw new ProblemError(404, "domain_not_found");
}
