import assert from "node:assert/strict";
import type { Answer, RunningPlane } from "../running_plane.ts";
import { SchemaChecker } from "./json_schema.ts";

type Schema = Readonly<Record<string, unknown>>;
type Content = Readonly<Record<string, { readonly schema: Schema }>>;

/** One operation of the document that a server publishes. */
export interface PublishedOperation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  /** Who may call it. */
  readonly caller: "anyone" | "token" | "node" | "operator";
  /** What an operator's token must be good for. */
  readonly scope: string | undefined;
  readonly description: string | undefined;
  readonly request: Content | undefined;
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}

/** The document that a running server publishes. */
export class Published {
  readonly checker: SchemaChecker;
  readonly operations: readonly PublishedOperation[];

  // deno-lint-ignore no-explicit-any -- the document is what is tested
  constructor(readonly document: any) {
    this.checker = new SchemaChecker(document.components.schemas);
    this.operations = Object.entries(document.paths).flatMap(([path, item]) =>
      // deno-lint-ignore no-explicit-any -- as above
      Object.entries(item as Record<string, any>).map(([method, one]) => {
        const [security = {}] = [...one.security].reverse();
        const [caller = "anyone"] = Object.keys(security);
        return {
          id: one.operationId,
          method: method.toUpperCase(),
          path,
          caller: caller as PublishedOperation["caller"],
          scope: security["operator"]?.[0],
          description: one.description,
          request: one.requestBody?.content,
          responses: one.responses,
        };
      })
    );
  }

  static async of(plane: RunningPlane): Promise<Published> {
    const answer = await plane.call("GET", "/openapi.json");
    assert.equal(answer.status, 200, answer.text);
    return new Published(answer.json);
  }

  operation(id: string): PublishedOperation {
    const found = this.operations.find((one) => one.id === id);
    assert.ok(found, `no operation "${id}"`);
    return found;
  }

  /** Asserts that an operation may answer this. */
  assertAnswer(
    { id, responses }: PublishedOperation,
    { status, headers, text }: Pick<Answer, "status" | "headers" | "text">,
  ): void {
    let response = responses[String(status)];
    assert.ok(response, `${id} does not publish ${status}: ${text}`);
    if ("$ref" in response) {
      response = this.document.components.responses.Problem as typeof response;
    }
    if (!response.content) {
      assert.equal(text, "", `${id} publishes ${status} without a body`);
      return;
    }
    const mediaType = headers.get("content-type") ?? "";
    const content = response.content[mediaType];
    assert.ok(content, `${id} does not publish ${mediaType}`);
    if (!mediaType.endsWith("json")) return;
    const problems = this.checker.problems(content.schema, JSON.parse(text));
    assert.deepEqual(problems, [], `${id} ${status}: ${text}`);
  }
}
