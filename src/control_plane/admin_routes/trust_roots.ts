import { parseTrustBundle } from "../../wire/trust_bundle.ts";
import { auditAdmin } from "../admin_audit.ts";
import { jsonAnswer } from "../http/answers.ts";
import type { Operator } from "../operators.ts";
import type { Services } from "../services.ts";
import type { Rows } from "../storage/storage.ts";
import {
  beginRootRotation,
  finishRootRotation,
  trustBundleText,
} from "../trust_bundles.ts";
import { ADMIN_PREFIX, type AdminRoute } from "./admin_route.ts";

/**
 * `POST /trust-roots/rotate`: the next root is announced, signed by the present
 * one. `POST /trust-roots/finish`: it takes over. `GET /trust-roots` tells which
 * ones nodes pin.
 */
export function trustRootRoutes(services: Services): AdminRoute[] {
  const { storage, io } = services;
  const path = `${ADMIN_PREFIX}/trust-roots`;
  const show = async () => {
    const text = await storage.read((rows) => trustBundleText(rows));
    const { roots, version } = parseTrustBundle(text);
    return jsonAnswer({ roots, bundle_version: version });
  };
  const noted = (operator: Operator, action: string) => (rows: Rows) =>
    auditAdmin(rows, io.clock, operator, action, "all nodes");
  return [{ method: "GET", path, handle: show }, {
    method: "POST",
    path: `${path}/rotate`,
    scope: "keys",
    async handle({ operator }) {
      await beginRootRotation(services, noted(operator, "trust_root.rotate"));
      return await show();
    },
  }, {
    method: "POST",
    path: `${path}/finish`,
    scope: "keys",
    async handle({ operator }) {
      const note = noted(operator, "trust_root.finish");
      if (await finishRootRotation(services, note)) {
        io.log.warn("Another trust root signs from now on");
      }
      return await show();
    },
  }];
}
