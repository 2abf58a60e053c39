import { type Clock, isoTime } from "../../platform/clock.ts";
import type { Session } from "./session.ts";

/** Most terminals that are remembered; the one longest ago gives way. */
export const MOST_CHOICES = 256;

/** A choice is forgotten so long after it was made. */
export const KEPT_MS = 30 * 24 * 60 * 60 * 1_000;

/** The membership that was chosen for a session. */
export interface Choice {
  readonly session: string;
  /** As in {@linkcode Session}. */
  readonly boot_id: string | null;
  readonly cluster: string;
  /** The data folder in which it was chosen: it counts for no other. */
  readonly data_dir: string;
  /** RFC 3339. */
  readonly chosen_at: string;
}

/** The file of a user's choices. */
export function choicesFile(stateHome: string): string {
  return `${stateHome}/plexd/terminals/choices.json`;
}

/**
 * The choices in a file that still count. What cannot be read counts as none:
 * they are quickly made again.
 */
export function choicesIn(text: string, nowMs: number): Choice[] {
  try {
    const { choices } = JSON.parse(text);
    return Array.isArray(choices)
      ? choices.filter((one) => isChoice(one) && isKept(one, nowMs))
      : [];
  } catch {
    return [];
  }
}

/** The one of a session. */
export function choiceOf(
  choices: readonly Choice[],
  { key, bootId }: Session,
): Choice | undefined {
  return choices.find((one) => one.session === key && one.boot_id === bootId);
}

/** The choices with another one for this session. */
export function withChoice(
  choices: readonly Choice[],
  session: Session,
  { cluster, dataDir, clock }: {
    readonly cluster: string;
    readonly dataDir: string;
    readonly clock: Pick<Clock, "now">;
  },
): Choice[] {
  const own: Choice = {
    session: session.key,
    boot_id: session.bootId,
    cluster,
    data_dir: dataDir,
    chosen_at: isoTime(clock.now()),
  };
  return [own, ...without(choices, session)].slice(0, MOST_CHOICES);
}

/** The choices without that of a session, and those of former starts. */
export function without(
  choices: readonly Choice[],
  { key, bootId }: Session,
): Choice[] {
  return choices.filter((one) => {
    const isOld = bootId !== null && one.boot_id !== null &&
      one.boot_id !== bootId;
    return one.session !== key && !isOld;
  });
}

/** The choices without those of a membership that is no more. */
export function withoutMembership(
  choices: readonly Choice[],
  cluster: string,
  dataDir: string,
): Choice[] {
  return choices.filter((one) =>
    one.cluster !== cluster || one.data_dir !== dataDir
  );
}

function isKept({ chosen_at }: Choice, nowMs: number): boolean {
  return nowMs - Date.parse(chosen_at) <= KEPT_MS;
}

function isChoice(value: unknown): value is Choice {
  if (typeof value !== "object" || value === null) return false;
  const texts = ["session", "cluster", "data_dir", "chosen_at"];
  const read = (name: string) =>
    Object.getOwnPropertyDescriptor(value, name)?.value;
  return texts.every((name) => typeof read(name) === "string") &&
    (read("boot_id") === null || typeof read("boot_id") === "string");
}
