import type { Dialect } from "../../wire/dialect.ts";
import type { Content } from "../../wire/openapi/content.ts";
import type { ProblemStatus } from "../http/problem.ts";
import type { ProblemCode } from "../http/problem_codes.ts";

/** Who may make a call. */
export type Caller = "anyone" | "token" | "node" | "operator";

/** What the published document says of one route, beside its method and path. */
export interface Operation {
  /** Its name for programs, which never changes. */
  readonly id: string;
  readonly summary: string;
  readonly tag: "mesh" | "node" | "domains" | "admin" | "operations";
  readonly caller: Caller;
  /** Which nodes have it. @default {both} */
  readonly dialects?: readonly [Dialect];
  /** Parameters of the query, with what they mean. */
  readonly query?: Readonly<Record<string, string>>;
  /** Headers of the request, with what they mean. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly request?: Content;
  /** By status; null where there is no body. */
  readonly answers: Readonly<Record<number, Content | null>>;
  /** What it refuses with, beside what every call of its kind does. */
  readonly refusals?: Readonly<
    Partial<Record<ProblemStatus, readonly ProblemCode[]>>
  >;
}

/** Operations by method and path, such as `GET /v1/ping`. */
export type Operations = Readonly<Record<string, Operation>>;
