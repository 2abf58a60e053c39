import { MAX_BODY_BYTES } from "../../../src/control_plane/http/request_body.ts";
import { MAX_CAPABILITIES_BYTES } from "../../../src/control_plane/node_routes/capabilities.ts";
import { MAX_RESULT_BYTES } from "../../../src/control_plane/node_routes/executions.ts";
import { MAX_BATCH_BYTES } from "../../../src/control_plane/node_routes/report.ts";

/** Most bytes of a body where nothing else is said. */
export const LARGEST = MAX_BODY_BYTES;

/** Most bytes of a body where it differs, by operation. */
export const BODY_LIMITS: Readonly<Record<string, number>> = {
  PostReports: MAX_BATCH_BYTES,
  PutCapabilities: MAX_CAPABILITIES_BYTES,
  FinishExecution: MAX_RESULT_BYTES,
  PutNodeReport: 32 * 1024,
};
