import assert from "node:assert/strict";
import { SchemaChecker } from "../../control_plane/openapi/json_schema.ts";
import { FakeSources } from "../fake_sources.ts";
import { call, type RawAnswer } from "../raw_http.ts";
import { startApi } from "../running_api.ts";

type Schema = Readonly<Record<string, unknown>>;

interface PublishedAnswer {
  readonly description: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
}

/** One operation of the document. */
export interface PublishedOperation {
  readonly operationId: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly in: string;
  }[];
  readonly requestBody?: object;
  readonly responses: Readonly<Record<string, PublishedAnswer>>;
}

/** The document that the local API publishes, and what was seen of it. */
export class PublishedApi {
  readonly checker: SchemaChecker;
  readonly #met = new Set<string>();

  // deno-lint-ignore no-explicit-any -- the document is what is tested
  constructor(readonly document: any) {
    this.checker = new SchemaChecker(document.components.schemas);
  }

  /** As a running API answers it. */
  static async ofThis(): Promise<PublishedApi> {
    await using running = await startApi(new FakeSources());
    const { status, body } = await call(running.socket, "/openapi.json");
    assert.equal(status, 200, body);
    return new PublishedApi(JSON.parse(body));
  }

  get operations(): readonly (readonly [
    method: string,
    path: string,
    operation: PublishedOperation,
  ])[] {
    return Object.entries(this.document.paths).flatMap(([path, item]) =>
      Object.entries(item as Record<string, PublishedOperation>)
        .map(([method, one]) => [method.toUpperCase(), path, one] as const)
    );
  }

  /** Asserts that this may be answered, where there is such an operation. */
  assertAnswer(method: string, target: string, answer: RawAnswer): void {
    const path = target.split("?")[0]!;
    const found = this.operations.find(([known, template]) =>
      known === method &&
      new RegExp(`^${template.replace("{key}", "[^/]+")}$`).test(path)
    );
    if (!found) {
      assert.ok(
        [400, 401, 404, 405].includes(answer.status),
        `${method} ${path}`,
      );
      return;
    }
    const [, , { operationId, responses }] = found;
    const place = `${operationId} ${answer.status}`;
    const response = responses[String(answer.status)];
    assert.ok(response, `${place} is not published: ${answer.body}`);
    this.#met.add(place);
    if (!response.content) {
      assert.equal(answer.body, "", `${place} is published without a body`);
      return;
    }
    const mediaType = answer.headers.get("content-type") ?? "";
    const content = response.content[mediaType];
    assert.ok(content, `${place} is not published as ${mediaType}`);
    if (mediaType !== "application/json") return;
    const value = JSON.parse(answer.body);
    const problems = this.checker.problems(content.schema, value);
    assert.deepEqual(problems, [], `${place}: ${answer.body}`);
    if (typeof value.error !== "string") return;
    const text = textsOf(response).find((text) =>
      text === value.error ||
      text.endsWith("…") && value.error.startsWith(text.slice(0, -1))
    );
    assert.ok(text, `${place} does not publish "${value.error}"`);
    this.#met.add(`${place} ${text}`);
  }

  /** What is published and was never answered, but what every route may. */
  unmet(): string[] {
    return this.operations.flatMap(([, , { operationId, responses }]) =>
      Object.entries(responses).flatMap(([status, response]) => {
        const place = `${operationId} ${status}`;
        const texts = textsOf(response);
        const all = texts.length === 0
          ? [place]
          : texts.filter((text) => !ELSEWHERE.includes(text))
            .map((text) => `${place} ${text}`);
        return all.filter((one) => !this.#met.has(one));
      })
    );
  }
}

/** Told of by tests of their own: of every route, or a matter of time. */
const ELSEWHERE = [
  "request body took too long",
  "malformed host",
  "unauthorized",
  "forbidden: foreign origin",
  "misdirected request",
  "internal error",
];

/** Texts of errors that a description lists. */
function textsOf({ description }: PublishedAnswer): string[] {
  return [...description.matchAll(/`([^`]+)`/g)].map(([, text]) => text!);
}
