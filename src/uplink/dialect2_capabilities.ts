import { encodeBase64 } from "../wire/base64.ts";
import type { Capabilities } from "../wire/bodies.ts";
import type { Capabilities2 } from "../wire/dialect2/bodies.ts";
import { ControlError } from "./control_error.ts";

/** Longest capabilities that are taken, as JSON. */
const MAX_BYTES = 32 * 1024;

/**
 * The body that tells what a node can do. Actions that are built in are not
 * told there, and hooks by name and checksum only.
 *
 * @throws {ControlError} kind "unsupported" when there is no way to say it: the
 * program's checksum is not known, or the list is too long.
 * @see docs/wire.md, section h.1
 */
export function encodeCapabilities2(
  { binary, hooks }: Capabilities,
  version: string,
): string {
  const checksum = base64Of(binary?.checksum ?? "");
  if (checksum === undefined) {
    throw new ControlError(
      "unsupported",
      "The capabilities were not sent: dialect 2 wants the program's checksum, which is not known",
    );
  }
  const body: Capabilities2 = {
    binary_version: binary?.version || version,
    binary_checksum: checksum,
    ...(hooks.length === 0 ? {} : {
      declared_hooks: hooks.map((hook) => ({
        name: hook.name,
        checksum: base64Of(hook.checksum) ?? hook.checksum,
      })),
    }),
  };
  const json = JSON.stringify(body);
  if (new TextEncoder().encode(json).length <= MAX_BYTES) return json;
  throw new ControlError(
    "unsupported",
    `The capabilities were not sent: dialect 2 takes at most ${MAX_BYTES} bytes of them`,
  );
}

/** A SHA-256 in hex, as base64; undefined for any other text. */
function base64Of(sum: string): string | undefined {
  const [, hex] = /^(?:sha256:)?([0-9a-f]{64})$/i.exec(sum) ?? [];
  return hex === undefined ? undefined : encodeBase64(Uint8Array.fromHex(hex));
}
