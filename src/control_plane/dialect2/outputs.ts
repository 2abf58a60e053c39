import { createHash } from "node:crypto";
import type { Platform } from "../../platform/platform.ts";
import { decodeBase64 } from "../../wire/base64.ts";
import {
  type ExecutionCallback2,
  MAX_INLINE_OUTPUT_BYTES,
} from "../../wire/dialect2/bodies.ts";
import { hashOf, newToken } from "../credentials.ts";
import { MAX_OUTPUT_BYTES } from "../executions.ts";
import { emptyAnswer } from "../http/answers.ts";
import { ProblemError } from "../http/problem.ts";
import { readBytes } from "../http/request_body.ts";
import type { Route } from "../http/router.ts";
import type { Services } from "../services.ts";
import type { Rows } from "../storage/storage.ts";

/** Largest output that is taken: twice what plexd keeps of one. */
export const MAX_UPLOAD_BYTES = 4 * 1024 * 1024;

/** How long an upload stays open. */
const OPEN_MS = 10 * 60_000;

/** Uploads go there, each under a ticket of its own. */
const UPLOADS = "/v1/outputs";

/** A path as it may be logged: a ticket is as good as a key. */
export function withoutTicket(path: string): string {
  return path.startsWith(`${UPLOADS}/`) ? `${UPLOADS}/{ticket}` : path;
}

/** Where an output goes that is too long for its callback. */
export interface UploadPlace {
  readonly upload_url: string;
  readonly object_key: string;
}

/**
 * Opens an upload for the output of an execution.
 *
 * @param base URL of the control plane as the node sees it, such as
 * `https://plane.example`.
 * @returns undefined for an output that fits into the callback.
 * @throws {ProblemError} 413 "payload_too_large"
 */
export async function openUpload(
  rows: Rows,
  executionId: string,
  declaredBytes: number,
  base: string,
  { clock, random }: Platform,
): Promise<UploadPlace | undefined> {
  if (declaredBytes <= MAX_INLINE_OUTPUT_BYTES) return undefined;
  if (declaredBytes > MAX_UPLOAD_BYTES) {
    throw new ProblemError(413, "payload_too_large", {
      detail: `Output of an execution has at most ${MAX_UPLOAD_BYTES} bytes`,
    });
  }
  const ticket = newToken("output", random);
  const objectKey = `executions/${executionId}/${random.bytes(8).toHex()}`;
  await rows.outputs.expect({
    objectKey,
    executionId,
    ticketHash: hashOf(ticket),
    declaredBytes,
    expiresAtMs: clock.now() + OPEN_MS,
  });
  return { upload_url: `${base}${UPLOADS}/${ticket}`, object_key: objectKey };
}

/**
 * `PUT /v1/outputs/{ticket}`: the output of an execution, from whoever holds
 * the ticket. What has come stays: only the same bytes are taken again.
 *
 * @see docs/wire.md, section h.7
 */
export function uploadRoute({ storage, io, stop }: Services): Route {
  return {
    method: "PUT",
    path: `${UPLOADS}/{ticket}`,
    async handle({ request, params }) {
      const hash = hashOf(params["ticket"]!);
      const { clock } = io;
      const expected = await storage.read((rows) => openOutput(rows, hash));
      const bytes = await readBytes(request, {
        clock,
        stop,
        maxBytes: expected.declaredBytes,
      });
      if (bytes.length !== expected.declaredBytes) {
        throw new ProblemError(400, "output_size_mismatch", {
          detail: `${expected.declaredBytes} bytes were announced`,
        });
      }
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      await storage.write(async (rows) => {
        const { objectKey, came } = await openOutput(rows, hash);
        if (came?.sha256 === sha256) return;
        if (came) throw new ProblemError(409, "output_exists");
        const kept = bytes.slice(0, MAX_OUTPUT_BYTES);
        await rows.outputs.came(objectKey, { sha256, kept });
      });
      return emptyAnswer();
    },
  };

  async function openOutput(rows: Rows, ticketHash: Uint8Array) {
    const output = await rows.outputs.byTicket(ticketHash);
    if (output && output.expiresAtMs > io.clock.now()) return output;
    throw new ProblemError(404, "not_found");
  }
}

/** An output as operators see it. */
export interface KeptOutput {
  readonly output: string;
  readonly output_sha256: string;
  readonly truncated?: true;
}

/**
 * The output that a callback carries or names.
 *
 * @throws {ProblemError} 400 "malformed_body" for what is neither, 413
 * "payload_too_large", 409 "output_not_uploaded".
 */
export async function outputOf(
  rows: Rows,
  executionId: string,
  { inline, object_key, sha256 }: NonNullable<ExecutionCallback2["output"]>,
): Promise<KeptOutput> {
  if (inline !== undefined && object_key === undefined) {
    return inlineOutput(inline);
  }
  if (inline !== undefined || object_key === undefined) {
    throw malformed('An "output" has either "inline" or "object_key"');
  }
  const output = await rows.outputs.byKey(object_key);
  const came = output?.executionId === executionId ? output.came : undefined;
  if (!output || !came) throw new ProblemError(409, "output_not_uploaded");
  if (came.sha256 !== sha256?.toLowerCase()) {
    throw malformed('The "sha256" is not that of the uploaded output');
  }
  const isWhole = came.kept.length === output.declaredBytes;
  return {
    output: textOf(came.kept),
    output_sha256: came.sha256,
    ...(isWhole ? {} : { truncated: true }),
  };
}

function inlineOutput(inline: string): KeptOutput {
  const bytes = decodeBase64(inline);
  if (!bytes) throw malformed('The "inline" output is not base64');
  if (bytes.length > MAX_INLINE_OUTPUT_BYTES) {
    throw new ProblemError(413, "payload_too_large", {
      detail: `An inline output has at most ${MAX_INLINE_OUTPUT_BYTES} bytes`,
    });
  }
  return {
    output: textOf(bytes),
    output_sha256: createHash("sha256").update(bytes).digest("hex"),
  };
}

/** Whatever a program prints is shown. */
function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function malformed(detail: string) {
  return new ProblemError(400, "malformed_body", { detail });
}
