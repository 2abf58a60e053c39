import { SNAPSHOT_MEDIA_TYPE } from "../wire/signed_snapshot.ts";
import {
  APPLIED_HEADER,
  parseApplied,
  TRUST_BUNDLE_HEADER,
} from "../wire/snapshot_headers.ts";
import { prefersOverJson } from "./http/accept.ts";
import { compressedAnswer } from "./http/compressed_answer.ts";
import { ProblemError } from "./http/problem.ts";
import type { Services } from "./services.ts";
import type {
  SnapshotProvider,
  StateForms,
} from "./state/snapshot_provider.ts";
import type { Node } from "./storage/storage.ts";
import { trustBundleText } from "./trust_bundles.ts";
import { parseTrustBundle } from "../wire/trust_bundle.ts";

/**
 * Answers a pull in either dialect: signed where the node asks for that, plain
 * otherwise; and notes what the node says it has applied.
 *
 * @throws {ProblemError} 404 "node_not_found" when it was removed meanwhile.
 */
export async function answerState(
  services: Services,
  states: SnapshotProvider,
  request: Request,
  node: Node,
  forms: StateForms,
): Promise<Response> {
  const { id, pulledVersion } = node;
  await noteApplied(services, id, request.headers.get(APPLIED_HEADER));
  const signed = prefersOverJson(
    request.headers.get("accept"),
    SNAPSHOT_MEDIA_TYPE,
  );
  const state = await states.snapshotForNode(
    node,
    forms,
    signed ? "signed" : "plain",
  );
  if (!state) throw new ProblemError(404, "node_not_found");
  if (pulledVersion !== state.version) {
    await services.storage.write(async (rows) =>
      await rows.nodes.pulled(id, state.version)
    );
  }
  const answer = isKnown(request, state.etag)
    ? new Response(null, { status: 304, headers: UNCHANGED })
    : await compressedAnswer(request, state.text);
  answer.headers.set("vary", "accept, accept-encoding");
  if (state.etag !== undefined) answer.headers.set("etag", state.etag);
  if (signed) {
    answer.headers.set("content-type", SNAPSHOT_MEDIA_TYPE);
    const bundle = await services.storage.read(trustBundleText);
    const { version } = parseTrustBundle(bundle);
    answer.headers.set(TRUST_BUNDLE_HEADER, String(version));
  }
  return answer;
}

const UNCHANGED = { "cache-control": "no-store, no-transform" };

/** Whether the caller names the tag as one that it has (RFC 9110, 13.1.2). */
function isKnown(request: Request, etag: string | undefined): boolean {
  const known = request.headers.get("if-none-match");
  if (known === null || etag === undefined) return false;
  const opaque = etag.replace(/^W\//, "");
  return known.trim() === "*" ||
    known.split(",").some((one) => one.trim().replace(/^W\//, "") === opaque);
}

async function noteApplied(
  { storage, io }: Services,
  nodeId: string,
  header: string | null,
) {
  const applied = parseApplied(header);
  if (!applied) return;
  const known = await storage.read(async (rows) =>
    await rows.snapshots.lastApplied(nodeId)
  );
  const isKnown = known?.epoch === applied.epoch &&
    known.version === applied.version;
  if (isKnown) return;
  await storage.write(async (rows) =>
    await rows.snapshots.applied(nodeId, { ...applied, atMs: io.clock.now() })
  );
}
