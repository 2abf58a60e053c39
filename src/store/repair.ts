import type { Clock } from "../platform/clock.ts";
import { CREDENTIALS_FILE } from "./credentials_file.ts";
import { systemDisk } from "./disk.ts";
import type { Finding } from "./finding.ts";
import { membershipPaths } from "./folders.ts";
import type { Membership } from "./membership.ts";
import { looseModes, tightenModes } from "./modes.ts";
import type { RecoveryListener } from "./recovery.ts";
import type { SealKeySource } from "./seal_key.ts";
import { outerFindings, readThrough } from "./survey.ts";
import { damagedUnread } from "./unread_files.ts";

/** What {@linkcode repairMembership} did. */
export interface Repair {
  /** What was found, and what was done about it. */
  readonly repaired: readonly Finding[];
  /** What is as it was: a person has to put it right. */
  readonly left: readonly Finding[];
}

/** A membership, and how to open it. */
export interface RepairOptions {
  readonly dataDir: string;
  readonly cluster: string;
  /** The key that {@linkcode open} opens it with. */
  readonly seal: SealKeySource;
  readonly clock: Clock;
  /** Opens it for writing; what is repaired goes to the listener. */
  readonly open: (recovered: RecoveryListener) => Promise<Membership>;
}

/**
 * Does at once what the start of the agent would do, and makes the modes of
 * all files and folders what they should be.
 *
 * @throws what `open` throws; nothing has been repaired then.
 */
export async function repairMembership(
  { dataDir, cluster, seal, clock, open }: RepairOptions,
): Promise<Repair> {
  const { root } = membershipPaths(dataDir, cluster);
  const repaired: Finding[] = [...outerFindings(root), ...looseModes(root)];
  await using store = await open(({ file, what, action }) =>
    repaired.push({ file, what, repair: action })
  );
  const found = await readThrough(store, true);
  const isMended = ({ file }: Finding) =>
    file === CREDENTIALS_FILE && store.credentials.fault !== undefined;
  repaired.push(...found.filter(isMended));
  const left = found.filter((one) => !isMended(one));
  await renewCredentials(store);
  const key = await seal({ exists: true });
  const unread = { disk: systemDisk, root, cluster, key, clock };
  for (const { mend, ...finding } of await damagedUnread(unread)) {
    mend();
    repaired.push(finding);
  }
  tightenModes(root);
  return { repaired, left: [...left, ...looseModes(root)] };
}

/** A sound identity knows all that has to be in them. */
async function renewCredentials({ identity, credentials }: Membership) {
  if (credentials.fault === undefined) return;
  const own = await identity.load();
  if (!own) return;
  await credentials.renew(own);
  own.privateKey.fill(0);
}
