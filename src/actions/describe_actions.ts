import { describeError } from "../platform/log.ts";
import type { Capabilities } from "../wire/bodies.ts";
import { formatDuration } from "../wire/duration.ts";
import type { ActionSettings } from "./action_settings.ts";
import { hashTrustedFile } from "./private_copy.ts";
import { findTrustedFile, ownUid } from "./trusted_file.ts";

/** A configured action, and whether it would run. */
export interface ActionDescription {
  readonly name: string;
  /** As it is configured. */
  readonly path: string;
  /** Permission bits in octal; absent when the file cannot be used. */
  readonly mode?: string;
  /** SHA-256 of the executable in hex; absent when it cannot be used. */
  readonly sha256?: string;
  /** Why it would not run. */
  readonly problem?: string;
}

/**
 * Looks at the executable of every configured action, sorted by name.
 *
 * @param agentUid Number of the agent's user. @default this program's
 */
export async function describeActions(
  { commands }: ActionSettings,
  agentUid: number = ownUid(),
): Promise<ActionDescription[]> {
  const found: ActionDescription[] = [];
  const byName = Object.entries(commands).sort(([a], [b]) => a < b ? -1 : 1);
  for (const [name, path] of byName) {
    found.push({ name, path, ...await look(path, agentUid) });
  }
  return found;
}

/**
 * What the control plane is told about the actions that would run: none, while
 * actions are off.
 *
 * @see docs/wire.md, section a.6 "Hook"
 */
export async function describeHooks(
  settings: ActionSettings,
): Promise<Capabilities["hooks"]> {
  if (!settings.enabled) return [];
  const timeout = formatDuration(settings.maxTimeoutMs);
  return (await describeActions(settings)).flatMap(({ name, sha256 }) =>
    sha256 === undefined ? [] : [{
      name,
      description: "",
      parameters: [],
      source: "local",
      checksum: sha256,
      timeout,
      sandbox: "none",
    }]
  );
}

async function look(
  path: string,
  agentUid: number,
): Promise<Pick<ActionDescription, "mode" | "sha256" | "problem">> {
  try {
    const file = findTrustedFile(path, agentUid);
    const mode = (file.stats.mode & 0o7777).toString(8).padStart(4, "0");
    return { mode, sha256: await hashTrustedFile(file) };
  } catch (error) {
    return { problem: describeError(error) };
  }
}
