import assert from "node:assert/strict";
import type * as z from "zod/mini";
import { openApiDocument } from "../../../src/node_api/openapi/document.ts";
import { status } from "../../../src/node_api/openapi/status_answer.ts";
import type { StatusDocument } from "../../../src/wire/status.ts";
import { walkSync } from "../../walk.ts";
import { sampleStatus } from "../fake_sources.ts";
import { PublishedApi } from "./published_api.ts";

/** Members of a document that its schema lacks, optional ones included. */
type Undescribed<Real, Schema> = Real extends readonly (infer Item)[]
  ? Schema extends readonly (infer Other)[] ? Undescribed<Item, Other>
  : never
  : Real extends object ? {
      [Name in keyof Real]-?: Name extends keyof Schema
        ? Undescribed<NonNullable<Real[Name]>, NonNullable<Schema[Name]>>
        : Name;
    }[keyof Real]
  : never;

type Frozen<Value> = Value extends (infer Item)[] ? readonly Frozen<Item>[]
  : Value extends object
    ? { readonly [Name in keyof Value]: Frozen<Value[Name]> }
  : Value;

const published = await PublishedApi.ofThis();

Deno.test("the document is OpenAPI 3.1 of every route, each operation under a name", () => {
  const { document, operations } = published;
  assert.equal(document.openapi, "3.1.0");
  assert.equal(document.info.version, "0.1.0");
  const ids = operations.map(([, , { operationId }]) => operationId);
  assert.equal(new Set(ids).size, ids.length, "an operationId stands twice");
  // That these are the routes is checked wherever a document is made.
  assert.ok(ids.length >= 19, `only ${ids.length}`);
});

Deno.test("a route without an operation, or the other way round, has no document", () => {
  assert.throws(
    () => openApiDocument(["GET /new"], "1"),
    /Routes without an operation: GET \/new; operations without a route: GET/,
  );
});

Deno.test("every reference leads somewhere, and every schema is used", () => {
  const text = JSON.stringify(published.document);
  const refs = new Set(
    [...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)]
      .map(([, name]) => name!),
  );
  const { schemas } = published.document.components;
  assert.deepEqual([...refs].sort(), Object.keys(schemas).sort());
});

Deno.test("every place of a path is a parameter, and every body is described", () => {
  for (const [method, path, operation] of published.operations) {
    const { operationId, parameters, requestBody } = operation;
    const inPath = parameters.filter((one) => one.in === "path")
      .map(({ name }) => `{${name}}`);
    assert.deepEqual(path.match(/\{\w+\}/g) ?? [], inPath, operationId);
    assert.equal(requestBody !== undefined, method === "PUT", operationId);
  }
});

Deno.test("the published status is the one that is written down, member by member", () => {
  // The compiler checks this: a member that is new in one belongs into the other.
  type Published = z.output<typeof status>;
  type Unpublished = Undescribed<StatusDocument, Published>;
  const all: [Unpublished] extends [never] ? true : Unpublished = true;
  const same = (document: Published): StatusDocument => document;
  const again = (document: StatusDocument): Frozen<Published> => document;
  assert.ok(all);
  assert.deepEqual(again(same(status.parse(sampleStatus))), sampleStatus);
});

Deno.test("an agent that starts loads nothing of what makes the document", () => {
  const root = new URL("../../../src/", import.meta.url);
  const others = walkSync(root, ".ts").filter((path) =>
    !path.startsWith("control_plane/") &&
    (!/\/openapi\//.test(path) || path.endsWith("_route.ts"))
  );
  const loading = others.filter((path) =>
    /from "[^"]*openapi\/(?!openapi_route)|from "\.\/document\.ts"/
      .test(Deno.readTextFileSync(new URL(path, root)))
  );
  assert.deepEqual(loading, []);
});
