import { X509Certificate } from "node:crypto";
import type { Config } from "../config/settings.ts";
import { isoTime } from "../platform/clock.ts";
import type { ClientCertificate } from "../store/identity_record.ts";

/** From here on the certificate's end is told of: two weeks. */
export const EXPIRES_SOON_MS = 14 * 86_400_000;

/** How long a certificate still holds. */
export type CertificateState = "valid" | "expires_soon" | "expired";

/**
 * Reads what the configured client certificate says of itself.
 *
 * @returns undefined when none is configured.
 * @throws {Error} when it cannot be read, or is no certificate.
 */
export function clientCertificateOf(
  config: Pick<Config, "api.client_cert_file" | "api.client_key_file">,
): ClientCertificate | undefined {
  const path = config["api.client_cert_file"];
  if (path === undefined) return undefined;
  // The first one of a chain is the node's own.
  const found = new X509Certificate(Deno.readTextFileSync(path));
  return {
    certificateRef: `file:${path}`,
    keyRef: `file:${config["api.client_key_file"]}`,
    subject: oneLine(found.subject),
    issuer: oneLine(found.issuer),
    serial: found.serialNumber.toLowerCase(),
    fingerprint: found.fingerprint256.replaceAll(":", "").toLowerCase(),
    notBefore: isoTime(Date.parse(found.validFrom)),
    notAfter: isoTime(Date.parse(found.validTo)),
  };
}

/** @param nowMs Ms since the Unix epoch. */
export function certificateState(
  { notAfter }: Pick<ClientCertificate, "notAfter">,
  nowMs: number,
): CertificateState {
  const leftMs = Date.parse(notAfter) - nowMs;
  if (leftMs <= 0) return "expired";
  return leftMs <= EXPIRES_SOON_MS ? "expires_soon" : "valid";
}

/** Its parts stand on lines of their own. */
function oneLine(name: string): string {
  return name.trim().replace(/\s*\n\s*/g, ", ").slice(0, 256).toWellFormed();
}
