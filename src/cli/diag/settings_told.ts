import { SETTINGS } from "../../config/settings.ts";
import type { EffectiveSetting } from "../config/effective.ts";

/** Forms of settings whose values hold nothing that anyone could have hidden. */
const TOLD: readonly string[] = [
  "path",
  "duration",
  "size",
  "number",
  "true or false",
  "host:port",
  "ip:port",
  "group",
  "URL",
];

/** A setting as a bundle tells it. */
export interface ToldSetting {
  readonly name: string;
  /** Absent where the value is anybody's text. */
  readonly value?: unknown;
  readonly from: string;
  readonly where: string | null;
}

/**
 * Settings without what people write freely: that something is set is told,
 * and where.
 */
export function settingsTold(
  settings: readonly EffectiveSetting[],
): ToldSetting[] {
  return settings.map(({ name, value, from, where }) => {
    const { form, isSecret } = SETTINGS[name];
    const isChoice = form.includes(" | ");
    const isTold = !isSecret &&
      (from === "default" || isChoice || TOLD.includes(form));
    return { name, ...(isTold ? { value } : {}), from, where };
  });
}
