import { ShapeError } from "../wire/shape_error.ts";
import { ControlError } from "./control_error.ts";

/**
 * Reads an answer with `read`.
 *
 * The cause is told only when it is about shape: JSON errors quote the text,
 * and an answer may hold a key.
 *
 * @param what Names the answer in the message.
 * @throws {ControlError} kind "bad_answer" when `read` throws.
 */
export function decodeAnswer<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const why = error instanceof ShapeError ? error.message : "not JSON";
    throw new ControlError(
      "bad_answer",
      `The answer to ${what} is not the expected document: ${why}`,
    );
  }
}

/** A null member counts as absent. @see docs/wire.md, section a.1 */
export function withoutNulls(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return value;
  }
  const present = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(present);
}
