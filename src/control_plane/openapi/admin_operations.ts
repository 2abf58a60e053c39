import { type Content, json } from "../../wire/openapi/content.ts";
import { actionSchema } from "../admin_routes/actions.ts";
import { bridgeSchema } from "../admin_routes/bridges.ts";
import { domainNodeSchema, domainSchema } from "../admin_routes/domains.ts";
import { dataValueSchema, valueSchema } from "../admin_routes/node_values.ts";
import { operatorSchema } from "../admin_routes/operators.ts";
import { policySchema } from "../admin_routes/policies.ts";
import { serviceSchema } from "../admin_routes/services.ts";
import { sessionSchema } from "../admin_routes/sessions.ts";
import { rotateSigningKeySchema } from "../admin_routes/signing_keys.ts";
import { tokenSchema } from "../admin_routes/tokens.ts";
import * as answers from "./admin_answers.ts";
import {
  nodeStateSnapshot,
  registration,
  registration2,
  serviceAssignment,
  signingKeys,
  stateDocument,
} from "./node_answers.ts";
import type { Operation, Operations } from "./operation.ts";

const admin = "/admin/v1";
const node = `${admin}/nodes/{id}`;
const inDomain = { domain: "Name of the domain; `default` without it." };

/** A call of an operator. */
function call(
  id: string,
  summary: string,
  answers: Operation["answers"],
  more: Partial<Operation> = {},
): Operation {
  return { id, summary, tag: "admin", caller: "operator", answers, ...more };
}

const shows = (content: Content) => ({ 200: content });
const NOTHING = { 204: null };

/** `Set…` and `Remove…` of one kind of a node's values. */
function values(
  name: string,
  id: string,
  what: string,
  request: Content,
  refusals: Operation["refusals"] = {},
): Operations {
  return {
    [`PUT ${node}/${name}/{key}`]: call(
      `Set${id}`,
      `Sets ${what} of a node`,
      shows(json(answers.valueSet)),
      { request, refusals: { 400: ["invalid_key"], ...refusals } },
    ),
    [`DELETE ${node}/${name}/{key}`]: call(
      `Remove${id}`,
      `Removes ${what} of a node`,
      NOTHING,
      { refusals: { 400: ["invalid_key"], 404: ["key_not_found"] } },
    ),
  };
}

/** Domains below the admin API, and where the published control plane has them. */
function domains(path: string, prefix: string): Operations {
  const tag = { tag: "domains" } as const;
  const notThere = { refusals: { 404: ["domain_not_found"] } } as const;
  return {
    [`GET ${path}`]: call(
      `${prefix}ListDomains`,
      "All domains",
      shows(json(answers.domains)),
      tag,
    ),
    [`POST ${path}`]: call(
      `${prefix}CreateDomain`,
      "Makes a domain; its nodes see each other, and no others",
      { 201: json(answers.domain) },
      {
        ...tag,
        request: json(domainSchema),
        refusals: {
          400: ["invalid_mesh_cidr"],
          409: ["domain_exists", "mesh_cidr_taken"],
        },
      },
    ),
    [`GET ${path}/{id}`]: call(
      `${prefix}GetDomain`,
      "One domain, by id or name",
      shows(json(answers.domain)),
      { ...tag, ...notThere },
    ),
    [`GET ${path}/{id}/nodes`]: call(
      `${prefix}ListDomainNodes`,
      "The nodes of a domain",
      shows(json(answers.domainNodes)),
      { ...tag, ...notThere },
    ),
    [`POST ${path}/{id}/nodes`]: call(
      `${prefix}CreateDomainNode`,
      "Registers a node for its owner",
      { 201: json(registration, registration2) },
      {
        ...tag,
        request: json(domainNodeSchema),
        refusals: {
          400: ["public_key_invalid"],
          404: ["domain_not_found"],
          503: ["pool_exhausted"],
        },
      },
    ),
  };
}

/** What operators call. */
export const ADMIN_OPERATIONS: Operations = {
  [`GET ${admin}/operators`]: call(
    "ListOperators",
    "Tokens of operators, without the tokens themselves",
    shows(json(answers.operators)),
  ),
  [`POST ${admin}/operators`]: call(
    "CreateOperator",
    "Makes a token for an operator, shown this once",
    { 201: json(answers.newOperator) },
    {
      request: json(operatorSchema),
      refusals: { 409: ["operator_exists", "operator_quota_exceeded"] },
    },
  ),
  [`DELETE ${admin}/operators/{name}`]: call(
    "RemoveOperator",
    "Ends an operator's token",
    NOTHING,
    { refusals: { 404: ["operator_not_found"] } },
  ),
  [`POST ${admin}/tokens`]: call(
    "CreateToken",
    "Makes a one-time token for a node",
    { 201: json(answers.token) },
    { request: json(tokenSchema) },
  ),
  [`GET ${admin}/tokens`]: call(
    "ListTokens",
    "One-time tokens by name, used or not; never the tokens themselves",
    shows(json(answers.tokens)),
  ),
  [`DELETE ${admin}/tokens/{token_id}`]: call(
    "RemoveToken",
    "Ends a one-time token",
    NOTHING,
    { refusals: { 404: ["token_not_found"] } },
  ),
  ...domains("/v1/domains", ""),
  ...domains(`${admin}/domains`, "Admin"),
  [`GET ${admin}/nodes`]: call(
    "ListNodes",
    "All nodes",
    shows(json(answers.nodes)),
  ),
  [`GET ${node}`]: call(
    "GetNode",
    "One node with all that is set for it",
    shows(json(answers.nodeDetails)),
  ),
  [`GET ${node}/state`]: call(
    "AdminGetNodeState",
    "What the node would get if it pulled now, unsigned",
    shows(json(nodeStateSnapshot, stateDocument)),
    { refusals: { 501: ["signed_event_bus_not_provisioned"] } },
  ),
  [`DELETE ${node}`]: call("RemoveNode", "Removes a node", NOTHING),
  [`POST ${node}/revoke`]: call(
    "RevokeNode",
    "The node's key counts no more; the node stays to be looked at",
    NOTHING,
  ),
  [`POST ${node}/rotate-keys`]: call(
    "AskForKeyRotation",
    "Asks a node for a new mesh key",
    { 202: json(answers.rotationAsked) },
  ),
  ...values("metadata", "Metadata", "metadata", json(valueSchema), {
    409: ["state_quota_exceeded"],
  }),
  ...values("data", "Data", "a data entry", json(dataValueSchema), {
    409: ["state_quota_exceeded"],
  }),
  ...values("secrets", "Secret", "a secret", json(valueSchema)),
  [`GET ${node}/reports`]: call(
    "ListReports",
    "What the node reports",
    shows(json(answers.reports)),
  ),
  [`GET ${node}/drift`]: call(
    "ListDrift",
    "What the node had to correct",
    shows(json(answers.drift)),
  ),
  [`GET ${node}/events`]: call(
    "ListEvents",
    "What was sent to the node",
    shows(json(answers.events)),
  ),
  [`GET ${node}/capabilities`]: call(
    "GetCapabilities",
    "What the node says it can do",
    shows(json(answers.capabilities)),
    { refusals: { 404: ["node_not_found", "capabilities_not_found"] } },
  ),
  [`GET ${node}/metrics`]: call(
    "ListMetrics",
    "The newest metrics that the node sent",
    shows(json(answers.metrics)),
  ),
  [`GET ${node}/logs`]: call(
    "ListLogs",
    "The newest log lines that the node sent",
    shows(json(answers.logs)),
  ),
  [`GET ${node}/audit`]: call(
    "ListNodeAudit",
    "The newest audit records that the node sent",
    shows(json(answers.nodeAudit)),
  ),
  [`GET ${admin}/policies`]: call(
    "ListPolicies",
    "The policies of a domain",
    shows(json(answers.policies)),
    { query: inDomain, refusals: { 404: ["domain_not_found"] } },
  ),
  [`GET ${admin}/policies/{id}`]: call(
    "GetPolicy",
    "One policy",
    shows(json(answers.policy)),
    { query: inDomain, refusals: { 404: ["policy_not_found"] } },
  ),
  [`PUT ${admin}/policies/{id}`]: call(
    "SetPolicy",
    "Sets rules for nodes of a domain",
    shows(json(answers.policySet)),
    {
      query: inDomain,
      request: json(policySchema),
      refusals: { 400: ["invalid_key"], 409: ["policy_quota_exceeded"] },
    },
  ),
  [`DELETE ${admin}/policies/{id}`]: call(
    "RemovePolicy",
    "Removes a policy",
    NOTHING,
    { query: inDomain, refusals: { 404: ["policy_not_found"] } },
  ),
  [`GET ${admin}/bridges`]: call(
    "ListBridges",
    "Nodes that carry traffic for others",
    shows(json(answers.bridges)),
  ),
  [`GET ${admin}/bridges/{id}`]: call(
    "GetBridge",
    "What a node is to carry for others",
    shows(json(answers.bridge)),
    { refusals: { 404: ["node_not_found", "bridge_not_found"] } },
  ),
  [`PUT ${admin}/bridges/{id}`]: call(
    "SetBridge",
    "Sets what a node is to carry for others",
    shows(json(answers.bridgeSet)),
    {
      request: json(bridgeSchema),
      refusals: { 413: ["bridge_too_large"] },
    },
  ),
  [`DELETE ${admin}/bridges/{id}`]: call(
    "RemoveBridge",
    "The node carries nothing for others any more",
    NOTHING,
    { refusals: { 404: ["node_not_found", "bridge_not_found"] } },
  ),
  [`GET ${admin}/services`]: call(
    "ListServices",
    "The services of a domain",
    shows(json(answers.services)),
    { query: inDomain, refusals: { 404: ["domain_not_found"] } },
  ),
  [`GET ${admin}/services/{name}`]: call(
    "GetService",
    "One service",
    shows(json(serviceAssignment)),
    { query: inDomain, refusals: { 404: ["service_not_found"] } },
  ),
  [`PUT ${admin}/services/{name}`]: call(
    "SetService",
    "Sets a service for every node that has one of its roles",
    shows(json(answers.serviceSet)),
    {
      query: inDomain,
      request: json(serviceSchema),
      refusals: { 400: ["invalid_name"], 409: ["service_quota_exceeded"] },
    },
  ),
  [`DELETE ${admin}/services/{name}`]: call(
    "RemoveService",
    "Removes a service",
    NOTHING,
    { query: inDomain, refusals: { 404: ["service_not_found"] } },
  ),
  [`PUT ${node}/roles/{role}`]: call(
    "GiveRole",
    "Gives a node a role",
    shows(json(answers.roleSet)),
    {
      refusals: { 400: ["invalid_name"], 409: ["role_quota_exceeded"] },
    },
  ),
  [`DELETE ${node}/roles/{role}`]: call(
    "RevokeRole",
    "Takes a role from a node",
    NOTHING,
    { refusals: { 404: ["node_not_found", "role_not_found"] } },
  ),
  [`POST ${node}/actions`]: call(
    "RequestAction",
    "Asks a node to run something",
    { 202: json(answers.actionAsked) },
    { request: json(actionSchema) },
  ),
  [`GET ${node}/executions`]: call(
    "ListExecutions",
    "What a node was asked to run, and what came of it",
    shows(json(answers.executions)),
  ),
  [`GET ${node}/sessions`]: call(
    "ListSessions",
    "SSH sessions that are open",
    shows(json(answers.sessions)),
  ),
  [`POST ${node}/sessions`]: call(
    "CreateSession",
    "Sets an SSH session up",
    { 201: json(answers.session) },
    { request: json(sessionSchema) },
  ),
  [`DELETE ${node}/sessions/{sid}`]: call(
    "RevokeSession",
    "Revokes an SSH session",
    NOTHING,
    { refusals: { 404: ["node_not_found", "session_not_found"] } },
  ),
  [`POST ${admin}/signing-keys/rotate`]: call(
    "RotateSigningKey",
    "A new key signs from now on",
    shows(json(signingKeys)),
    { request: json(rotateSigningKeySchema) },
  ),
  [`GET ${admin}/signing-keys`]: call(
    "ListSigningKeys",
    "The keys that sign events, with what they are good for",
    shows(json(answers.signingKeyList)),
  ),
  [`POST ${admin}/signing-keys/{key_id}/revoke`]: call(
    "RevokeSigningKey",
    "Takes a signing key away for good",
    shows(json(signingKeys)),
    { refusals: { 404: ["key_not_found"] } },
  ),
  [`GET ${admin}/trust-roots`]: call(
    "ListTrustRoots",
    "The roots that nodes pin",
    shows(json(answers.trustRoots)),
  ),
  [`POST ${admin}/trust-roots/rotate`]: call(
    "RotateTrustRoot",
    "Announces the root that is to take over",
    shows(json(answers.trustRoots)),
  ),
  [`POST ${admin}/trust-roots/finish`]: call(
    "FinishTrustRoot",
    "The announced root takes over",
    shows(json(answers.trustRoots)),
  ),
  [`GET ${admin}/message-bus`]: call(
    "GetMessageBus",
    "What the server of the message bus has to know",
    shows(json(answers.messageBus)),
    { refusals: { 501: ["message_bus_not_provisioned"] } },
  ),
  [`GET ${admin}/audit`]: call(
    "ListAudit",
    "Who did what: newest first, or after a row, oldest first",
    shows(json(answers.audit)),
    {
      query: { after: "Id of a row." },
      refusals: { 400: ["malformed_query"] },
    },
  ),
};
