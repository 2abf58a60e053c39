import type { Dialect } from "../../wire/dialect.ts";
import { ENDPOINTS } from "../../wire/endpoints.ts";
import { ProblemError } from "../http/problem.ts";
import type { ProblemCode } from "../http/problem_codes.ts";
import type { Call, Route } from "../http/router.ts";
import {
  type GatePorts,
  type GateServices,
  passGates,
  passOwnGates,
} from "../gates/pass_gates.ts";
import type { Node } from "../storage/storage.ts";

export type NodeAnswer = (node: Node, call: Call) => Promise<Response>;

/** How one dialect answers a call of a node that has passed the gates. */
export interface NodeRoute extends Pick<Route, "method" | "path"> {
  readonly dialect: Dialect;
  /** The code for a path that names another node than the caller. */
  readonly foreignCode: ProblemCode;
  /**
   * Its name in the audit log, where also each call that was let in is noted.
   * @default {only refusals are, as "node-agent"}
   */
  readonly auditedAs?:
    | "node_state.pull"
    | "node_events.subscribe"
    | "node_credentials.issue";
  readonly answer: NodeAnswer;
}

type NodeEndpoint = Exclude<keyof typeof ENDPOINTS, "ping" | "register">;

/** A call of dialect 1. */
export function nodeRoute(
  endpoint: NodeEndpoint,
  answer: NodeAnswer,
): NodeRoute {
  return {
    ...ENDPOINTS[endpoint],
    dialect: 1,
    foreignCode: "insufficient_relation",
    answer,
  };
}

/**
 * Puts the gates before calls of nodes. Where both dialects have the same call,
 * each node is answered in the dialect that it registered in; a call that its
 * dialect does not have is not there for it.
 */
export function behindGates(
  services: GateServices,
  gates: GatePorts,
  routes: readonly NodeRoute[],
): Route[] {
  const places = Map.groupBy(
    routes,
    ({ method, path }) => `${method} ${path}`,
  );
  return [...places.values()].map((forms) => gated(services, gates, forms));
}

function gated(
  services: GateServices,
  gates: GatePorts,
  forms: NodeRoute[],
): Route {
  const { method, path, auditedAs } = forms[0]!;
  const formOf = (node: Node) =>
    forms.find(({ dialect }) => dialect === node.dialect);
  const answer = async (node: Node, call: Call) => {
    const form = formOf(node);
    if (!form) throw new ProblemError(404, "not_found");
    return await form.answer(node, call);
  };
  const foreignCode = (caller: Node) =>
    (formOf(caller) ?? forms[0]!).foreignCode;
  return {
    method,
    path,
    async handle(call) {
      const { request, source, params } = call;
      const nodeId = params["node_id"];
      // A path that names no node means the caller.
      if (nodeId === undefined) {
        return await answer(await passOwnGates(request, services), call);
      }
      // The audit log would name another node: what stands before it.
      if (nodeId.includes("\0")) {
        throw new ProblemError(400, "malformed_path", {
          detail: "The path has a NUL character",
        });
      }
      const gatedCall = {
        nodeId,
        auditedAs: auditedAs ?? "node-agent",
        refusal: foreignCode,
        source,
      };
      const passed = await passGates(request, gatedCall, gates, services);
      const answered = await answer(passed.node, call);
      if (auditedAs !== undefined) {
        gates.audit?.offer({
          subject: passed.subject,
          relation: auditedAs,
          object: `node:${nodeId}`,
          outcome: "granted",
          source,
        });
      }
      return answered;
    },
  };
}
