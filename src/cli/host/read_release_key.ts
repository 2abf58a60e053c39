import { importSigningKey } from "../../trust/signing_key.ts";
import { CommandError, EXIT } from "../command.ts";

/**
 * Reads the public key that releases are signed with.
 *
 * @throws {CommandError} when the file cannot be read, or holds no such key.
 */
export async function readReleaseKey(
  file: string,
): Promise<{ readonly pem: string; readonly key: string }> {
  const hint = "it is the PEM file of an Ed25519 public key";
  let pem: string;
  try {
    pem = await Deno.readTextFile(file);
  } catch (error) {
    const what = `the key ${file} cannot be read`;
    throw new CommandError(EXIT.failed, what, hint, error);
  }
  const key = pem.replace(/-----[^-\n]*-----/g, "").trim();
  if (importSigningKey(key)) return { pem, key };
  throw new CommandError(EXIT.failed, `${file} holds no key`, hint);
}
