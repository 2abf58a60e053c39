import type { WatchEvent } from "../../client/documents.ts";
import { lineOfJson } from "../indent_json.ts";
import { plain } from "../output/text_width.ts";

/** A line of `plexd watch`: an event, or that a stream begins. */
export type Shown =
  | Exclude<WatchEvent, { type: "hello" }>
  | {
    readonly type: "hello";
    readonly position: string;
    readonly resumed: boolean;
  };

/** Why changes may be missing, for a person. */
const RESETS: Readonly<Record<string, string>> = {
  restarted: "the agent was restarted since",
  too_old: "more has changed since than the agent remembers",
  too_many_changes: "too much has changed at once",
  unknown_position: "the agent does not know where this reader has stopped",
};

/** One JSON object in one line. */
export function jsonLine({ type, position, ...members }: Shown): string {
  return lineOfJson({ event: type, position, ...members });
}

/** The same for people, to whom a stream that begins says nothing. */
export function tableLine(shown: Shown): string | undefined {
  if (shown.type === "hello") return undefined;
  if (shown.type === "reset") {
    const { reason } = shown;
    return `reset: read everything anew, ${plain(RESETS[reason] ?? reason)}`;
  }
  const { at, kind, change, key, version, origin } = shown;
  const cells = [
    at,
    kind.padEnd("metadata".length),
    change.padEnd("changed".length),
    key,
    ...(version === undefined ? [] : [`v${version}`]),
    `(${origin.replace("_", " ")})`,
  ];
  return plain(cells.join("  "));
}
