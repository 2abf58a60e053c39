import { isoTime } from "../../platform/clock.ts";
import { auditAdmin } from "../admin_audit.ts";
import { emptyAnswer, jsonAnswer, jsonTextAnswer } from "../http/answers.ts";
import { ProblemError } from "../http/problem.ts";
import { askToRotate } from "../key_rotation.ts";
import { partText } from "../node_changes.ts";
import { disconnectNode } from "../node_connections.ts";
import { removeNode, revokeNode } from "../peer_changes.ts";
import { notProvisioned } from "../provision.ts";
import type { Services } from "../services.ts";
import { formsOf } from "../state/forms_of.ts";
import type { AppliedSnapshot, Node } from "../storage/storage.ts";
import { ADMIN_PREFIX, type AdminRoute, nodeOrProblem } from "./admin_route.ts";

/** Listing, looking at and removing nodes, and asking them to rotate keys. */
export function nodeRoutes(services: Services): AdminRoute[] {
  const { storage, changes, bus, epoch, io } = services;
  const path = `${ADMIN_PREFIX}/nodes/{id}`;
  return [
    {
      method: "GET",
      path: `${ADMIN_PREFIX}/nodes`,
      async handle() {
        const nodes = await storage.read(async (rows) =>
          await rows.nodes.all()
        );
        return jsonAnswer({
          nodes: nodes.map((node) => summary(node, services)),
        });
      },
    },
    {
      method: "GET",
      path,
      handle: ({ params }) =>
        storage.read(async (rows) => {
          const node = await nodeOrProblem(rows, params["id"]!);
          const head = JSON.stringify(summary(node, services)).slice(0, -1);
          const applied = await rows.snapshots.lastApplied(node.id);
          return jsonTextAnswer(
            `${head},"epoch":${epoch},"labels":${node.labels}` +
              `,"applied_snapshot":${appliedText(applied)}` +
              `,"roles":${
                JSON.stringify(await rows.assignments.roles(node.id))
              }` +
              `,"heartbeat":${node.heartbeat ?? "null"}` +
              `,"metadata":${await partText(rows, node.id, "metadata")}` +
              `,"data":${await partText(rows, node.id, "data")}` +
              `,"secrets":${await partText(rows, node.id, "secret_refs")}}`,
          );
        }),
    },
    {
      method: "GET",
      path: `${path}/state`,
      async handle({ params }) {
        if ("missing" in bus) return await notProvisioned();
        const node = await storage.read((rows) =>
          nodeOrProblem(rows, params["id"]!)
        );
        const forms = formsOf(node.dialect, services);
        const state = await bus.snapshots.snapshotForNode(node, forms, "plain");
        if (!state) throw new ProblemError(404, "node_not_found");
        return jsonTextAnswer(state.text);
      },
    },
    {
      method: "DELETE",
      path,
      async handle({ params, operator }) {
        const id = params["id"]!;
        await changes.make(async (rows, emit) => {
          await removeNode(rows, emit, await nodeOrProblem(rows, id));
          await auditAdmin(
            rows,
            io.clock,
            operator,
            "node.delete",
            `node:${id}`,
          );
        });
        disconnectNode(services, id);
        return emptyAnswer();
      },
    },
    {
      method: "POST",
      path: `${path}/revoke`,
      scope: "keys",
      async handle({ params, operator }) {
        const id = params["id"]!;
        await changes.make(async (rows, emit) => {
          const node = await nodeOrProblem(rows, id);
          await revokeNode(rows, emit, node, io.clock.now());
          await auditAdmin(
            rows,
            io.clock,
            operator,
            "node.revoke",
            `node:${id}`,
          );
        });
        disconnectNode(services, id);
        return emptyAnswer();
      },
    },
    {
      method: "POST",
      path: `${path}/rotate-keys`,
      scope: "keys",
      async handle({ params, operator }) {
        const id = params["id"]!;
        await changes.make(async (rows, emit) => {
          const node = await nodeOrProblem(rows, id);
          await askToRotate(rows, emit, node, epoch, io);
          await auditAdmin(
            rows,
            io.clock,
            operator,
            "node.rotate_keys",
            `node:${id}`,
          );
        });
        return jsonAnswer({ node_id: id, rotate_keys: true }, 202);
      },
    },
  ];
}

/** The signed snapshot that the node says it has activated last. */
function appliedText(applied: AppliedSnapshot | undefined): string {
  if (!applied) return "null";
  const { epoch, version, atMs } = applied;
  return JSON.stringify({ epoch, version, since: isoTime(atMs) });
}

function summary(node: Node, { streams }: Services) {
  return {
    node_id: node.id,
    domain_id: node.domainId,
    dialect: node.dialect,
    hostname: node.hostname,
    mesh_ip: node.meshIp,
    public_key: node.publicKey,
    endpoint: node.endpoint,
    nat_type: node.natType ?? null,
    state_version: node.stateVersion,
    pulled_version: node.pulledVersion,
    connected: streams.isOpen(node.id),
    registered_at: isoTime(node.registeredAtMs),
    revoked_at: node.revokedAtMs === undefined
      ? null
      : isoTime(node.revokedAtMs),
    reachability: node.reachabilityState,
    last_heartbeat_at: node.lastHeartbeatAtMs === undefined
      ? null
      : isoTime(node.lastHeartbeatAtMs),
  };
}
