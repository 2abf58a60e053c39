import { errorCode } from "../store/store_errors.ts";
import { HostError } from "./host_error.ts";
import { type ProgramEnd, runProgram } from "./run_program.ts";
import type { Steps } from "./steps.ts";

/** Name of the agent's user, and of the group that may use `api.sock`. */
export const AGENT_USER = "plexd";

/** The group that may use `secrets.sock`. */
export const SECRETS_GROUP = "plexd-secrets";

/** Who files of the agent belong to. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Makes the agent's user and groups, where they are not there.
 *
 * @returns undefined in a rehearsal, when there is no such user yet.
 * @throws {HostError} kind "failed"
 * @see design, section 3 "On a node"
 */
export async function ensureAccounts(steps: Steps): Promise<Owner | undefined> {
  for (const group of [AGENT_USER, SECRETS_GROUP]) {
    if (await isThere("group", group)) continue;
    await steps.do(
      `create group ${group}`,
      () => administer("groupadd", "--system", group),
    );
  }
  if (!await isThere("passwd", AGENT_USER)) {
    await steps.do(`create user ${AGENT_USER}`, () =>
      administer(
        "useradd",
        "--system",
        "--gid",
        AGENT_USER,
        "--groups",
        SECRETS_GROUP,
        "--home-dir",
        "/var/lib/plexd",
        "--no-create-home",
        "--shell",
        "/usr/sbin/nologin",
        "--comment",
        "plexd node agent",
        AGENT_USER,
      ));
  } else if (!await isMember(AGENT_USER, SECRETS_GROUP)) {
    await steps.do(
      `make ${AGENT_USER} a member of ${SECRETS_GROUP}`,
      () => administer("usermod", "-a", "-G", SECRETS_GROUP, AGENT_USER),
    );
  }
  return await ownerOf(AGENT_USER);
}

/** Removes the agent's user and groups, as far as they are there. */
export async function removeAccounts(steps: Steps): Promise<void> {
  if (await isThere("passwd", AGENT_USER)) {
    await steps.do(
      `remove user ${AGENT_USER}`,
      () => administer("userdel", AGENT_USER),
    );
  }
  for (const group of [SECRETS_GROUP, AGENT_USER]) {
    // With the user goes its own group, on most systems.
    if (!await isThere("group", group)) continue;
    await steps.do(
      `remove group ${group}`,
      // Not again where it went with the user a moment ago.
      () => administer("groupdel", group),
    );
  }
}

/** The ids of a user; undefined when there is no such user. */
export async function ownerOf(user: string): Promise<Owner | undefined> {
  const { code, stdout } = await ask("getent", "passwd", user);
  const [, , uid, gid] = stdout.split(":");
  if (code !== 0 || uid === undefined || gid === undefined) return undefined;
  return { uid: Number(uid), gid: Number(gid) };
}

async function isThere(database: "group" | "passwd", name: string) {
  const { code } = await ask("getent", database, name);
  return code === 0;
}

async function isMember(user: string, group: string): Promise<boolean> {
  const { stdout } = await ask("id", "-Gn", user);
  return stdout.trim().split(/\s+/).includes(group);
}

async function administer(program: string, ...args: string[]): Promise<void> {
  const { code, stderr } = await ask(program, ...args);
  if (code === 0) return;
  throw new HostError(
    "failed",
    `${[program, ...args].join(" ")} failed: ${stderr.trim()}`,
    "do what it asks for, and run this again: what is done already is kept",
  );
}

async function ask(program: string, ...args: string[]): Promise<ProgramEnd> {
  try {
    return await runProgram(program, args);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
    throw new HostError(
      "refused",
      `${program} is not installed, so users cannot be looked after`,
      "install it (package passwd or shadow-utils), and run this again",
    );
  }
}
