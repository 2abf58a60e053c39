import type { Content } from "../../wire/openapi/content.ts";

/** What the published document says of one route and method. */
export interface Operation {
  /** Its name for programs, which never changes. */
  readonly id: string;
  readonly summary: string;
  readonly tag: "state" | "reports" | "secrets" | "changes" | "agent";
  /** Parameters of the query, with what they mean. */
  readonly query?: Readonly<Record<string, string>>;
  /** Fields of the request's header, with what they mean. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly request?: Content;
  /** By status; null where there is no body. */
  readonly answers: Readonly<Record<number, Content | null>>;
  /** Fields of its answers, beside `Content-Type`, with what they mean. */
  readonly answerHeaders?: Readonly<Record<string, string>>;
  /**
   * Texts of its errors by status, beside those of every route; one that ends
   * in `…` goes on with what was wrong.
   */
  readonly refusals?: Readonly<Record<number, readonly string[]>>;
}

/** Operations by method and path, such as `GET /v1/state`. */
export type Operations = Readonly<Record<string, Operation>>;
