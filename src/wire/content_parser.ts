import type { Dialect } from "./dialect.ts";
import { parseSnapshot2 } from "./dialect2/parse_snapshot2.ts";
import { rawMembers } from "./raw_json.ts";
import type { DesiredState } from "./state.ts";
import { parseStateDocument } from "./state_document.ts";

/** Reads the content of a signed snapshot, in a dialect. */
export function contentParser(
  dialect: Dialect,
): (content: string) => DesiredState {
  return dialect === 1
    ? parseStateDocument
    : (content) => parseSnapshot2(content, { isSigned: true });
}

/** What of a signed state gives somebody a part in something. */
export type Granted =
  & Pick<DesiredState, "peers" | "policies">
  & Required<Pick<DesiredState, "services">>;

/** The members that say so; the others stand in for those a reader needs. */
const GRANTING = {
  1: { members: ["peers", "policies", "services"], rest: `"data":[]` },
  2: {
    members: ["peers", "policy", "services"],
    rest: `"bridge":null,"state":null,"reports":null`,
  },
} as const;

/**
 * Reads peers, policies and services alone out of the content of a signed snapshot,
 * which may hold a lot else.
 *
 * @param content What a {@linkcode contentParser} has accepted before.
 */
export function grantedBy(content: string, dialect: Dialect): Granted {
  const { members, rest } = GRANTING[dialect];
  const wanted = rawMembers(content)
    .filter(([name]) => (members as readonly string[]).includes(name))
    .map(([name, raw]) => `${JSON.stringify(name)}:${raw}`);
  const { peers, policies, services = [] } = contentParser(dialect)(
    `{${[...wanted, rest]}}`,
  );
  return { peers, policies, services };
}
