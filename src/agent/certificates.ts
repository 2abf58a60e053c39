import { createPrivateKey, X509Certificate } from "node:crypto";
import { ConfigError } from "../config/config_error.ts";
import type { Config } from "../config/settings.ts";

/** PEM of a certificate, and of the key that belongs to it. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** Certificates for the way to the control plane, as the configuration has them. */
export interface Certificates {
  /** PEM of authorities beside those of the system. */
  readonly ca?: string;
  /** What the agent shows of itself. */
  readonly client?: KeyPair;
}

type PemSetting =
  | "api.ca_file"
  | "api.client_cert_file"
  | "api.client_key_file";

const CERTIFICATE = /-----BEGIN CERTIFICATE-----/;
const PRIVATE_KEY = /-----BEGIN (\w+ )?PRIVATE KEY-----/;
const ENCRYPTED = /-----BEGIN ENCRYPTED |^Proc-Type: 4,ENCRYPTED/m;

/**
 * Reads the files with certificates, and checks what the runtime does not: it
 * goes over a file without certificates, and some versions die of a key that
 * belongs to another certificate.
 *
 * @throws {ConfigError} when one of them cannot be used.
 */
export async function readCertificates(config: Config): Promise<Certificates> {
  const ca = await pem(config, "api.ca_file", CERTIFICATE);
  const client = await clientCertificate(config);
  return { ...(ca === undefined ? {} : { ca }), ...(client ? { client } : {}) };
}

async function clientCertificate(
  config: Config,
): Promise<KeyPair | undefined> {
  const cert = await pem(config, "api.client_cert_file", CERTIFICATE);
  const key = await pem(config, "api.client_key_file", PRIVATE_KEY);
  // The configuration has neither without the other.
  if (cert === undefined || key === undefined) return undefined;
  if (ENCRYPTED.test(key)) {
    throw unusable(
      "api.client_key_file",
      "is protected by a passphrase: the agent needs it without one",
    );
  }
  checkPair(cert, key);
  return { cert, key };
}

/** Only the first certificate is the node's own; the others vouch for it. */
function checkPair(cert: string, key: string) {
  let belongs: boolean;
  try {
    belongs = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch {
    throw unusable(
      "api.client_cert_file",
      "cannot be read as a certificate, or its key not as a key",
    );
  }
  if (belongs) return;
  throw unusable(
    "api.client_key_file",
    "is not the key of the first certificate in api.client_cert_file",
  );
}

async function pem(
  config: Config,
  name: PemSetting,
  wanted: RegExp,
): Promise<string | undefined> {
  const path = config[name];
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch {
    throw unusable(name, `${path} cannot be read`);
  }
  if (!text.includes("-----BEGIN ")) {
    throw unusable(name, `${path} is no PEM file`);
  }
  if (wanted.test(text)) return text.replace(/^\uFEFF/, "");
  const what = wanted === CERTIFICATE ? "certificate" : "private key";
  throw unusable(name, `${path} has no ${what} in it`);
}

function unusable(where: PemSetting, what: string): ConfigError {
  return new ConfigError([{ where, what }]);
}
