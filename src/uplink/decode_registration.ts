import type * as z from "zod/mini";
import type { Dialect } from "../wire/dialect.ts";
import { dialectOfRegistration } from "../wire/detect_dialect.ts";
import { ENDPOINTS } from "../wire/endpoints.ts";
import { parseFirstValue } from "../wire/raw_json.ts";
import { checkShape } from "../wire/shape_error.ts";
import { ControlError } from "./control_error.ts";
import { decodeAnswer, withoutNulls } from "./decode_answer.ts";

/**
 * Reads the answer to a registration in `dialect`.
 *
 * @throws {ControlError} kind "unsupported" for an answer in the other dialect,
 * which asking again would not change; else kind "bad_answer".
 * @see docs/wire.md, section h.9
 */
export function decodeRegistration<Schema extends z.ZodMiniType>(
  dialect: Dialect,
  schema: Schema,
  text: string,
): z.infer<Schema> {
  const { path } = ENDPOINTS.register;
  const value = decodeAnswer(
    path,
    () => withoutNulls(parseFirstValue(text).value),
  );
  const found = dialectOfRegistration(value);
  if (found !== undefined && found !== dialect) {
    throw new ControlError(
      "unsupported",
      `The control plane was asked in dialect ${dialect} and answers in ${found}: ` +
        `set api.dialect to ${found}`,
    );
  }
  return decodeAnswer(
    path,
    () => checkShape("register answer", schema, value),
  );
}
