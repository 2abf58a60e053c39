import { parseShape } from "../../wire/shape_error.ts";
import {
  watchChangeSchema,
  watchHelloSchema,
  watchResetSchema,
} from "../../wire/watch.ts";
import { plain } from "../output/text_width.ts";

/** One event, as it was told. */
export interface ToldEvent {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** Why changes may be missing, for a person. */
const RESETS: Readonly<Record<string, string>> = {
  restarted: "the agent was restarted since",
  too_old: "more has changed since than the agent remembers",
  too_many_changes: "too much has changed at once",
  unknown_position: "the agent does not know where this reader has stopped",
};

/**
 * An event as one JSON object in one line; undefined for one that says nothing
 * to a program.
 *
 * @throws {ShapeError} when it is not what this version expects.
 */
export function jsonLine({ id, event, data }: ToldEvent): string | undefined {
  const members = read(event, data);
  return members && JSON.stringify({ event, position: id, ...members });
}

/**
 * The same as a line for people, where a stream that begins says nothing.
 *
 * @throws {ShapeError} as {@linkcode jsonLine}.
 */
export function tableLine({ event, data }: ToldEvent): string | undefined {
  if (event === "reset") {
    const { reason } = parseShape("reset", watchResetSchema, data);
    return `reset: read everything anew, ${RESETS[reason] ?? reason}`;
  }
  if (event !== "change") return undefined;
  const { at, kind, change, key, version, origin } = parseShape(
    "change",
    watchChangeSchema,
    data,
  );
  const cells = [
    at,
    kind.padEnd("metadata".length),
    change.padEnd("changed".length),
    plain(key),
    ...(version === undefined ? [] : [`v${version}`]),
    `(${origin.replace("_", " ")})`,
  ];
  return cells.join("  ");
}

function read(event: string, data: string): object | undefined {
  switch (event) {
    case "change":
      return parseShape(event, watchChangeSchema, data);
    case "reset":
      return parseShape(event, watchResetSchema, data);
    case "hello":
      return parseShape(event, watchHelloSchema, data);
    default:
      return undefined;
  }
}
