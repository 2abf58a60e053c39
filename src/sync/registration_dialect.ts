import { BOOTSTRAP_TOKEN_2 } from "../wire/dialect2/bodies.ts";
import type { Dialect } from "../wire/dialect.ts";

/** What a node of dialect 2 registers as. */
export interface Resource {
  /** A UUID. */
  readonly projectId: string;
  /** 1 to 4096 characters. */
  readonly resourceHandle: string;
  /** The id that it would like to have. */
  readonly requestedResourceId?: string;
}

/**
 * The dialect to register in: the one that is asked for, else dialect 2 where
 * the token has that dialect's form and the resource is known.
 *
 * @see docs/wire.md, section h.9
 */
export function registrationDialect(
  wanted: Dialect | "auto",
  token: string,
  resource: Resource | undefined,
): Dialect {
  if (wanted !== "auto") return wanted;
  return resource && isForDialect2(token) ? 2 : 1;
}

/** Whether a token has the form that dialect 2 alone has. */
export function isForDialect2(token: string): boolean {
  return BOOTSTRAP_TOKEN_2.test(token);
}
