import type { Platform } from "../platform/platform.ts";
import { hashOf, newToken } from "./credentials.ts";
import { readPrivateFile, writePrivateFile } from "./private_file.ts";
import type { Storage } from "./storage/storage.ts";

/** It has no name, and cannot be removed: somebody must be able to get in. */
const FIRST = "";

/**
 * Makes the first admin token, in a file for the operator. The database keeps
 * only its hash.
 *
 * The file comes first: after a crash between the two its token is taken over,
 * while a hash without a token would lock everyone out.
 */
export async function ensureAdminToken(
  path: string,
  storage: Storage,
  { clock, random }: Platform,
): Promise<void> {
  const known = await storage.read(async (rows) => await rows.admins.all());
  if (known.some(({ name }) => name === FIRST)) return;
  let token = readPrivateFile(path);
  if (!token) {
    token = newToken("plexd_admin", random);
    writePrivateFile(path, token + "\n");
  }
  const hash = hashOf(token);
  await storage.write(async (rows) =>
    await rows.admins.add({
      hash,
      name: FIRST,
      scopes: ["admin"],
      createdAtMs: clock.now(),
      expiresAtMs: undefined,
    })
  );
}
