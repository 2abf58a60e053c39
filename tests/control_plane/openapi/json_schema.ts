type Schema = Readonly<Record<string, unknown>>;

/** Keywords that say nothing about a value. */
const NOTES = new Set(["default", "description"]);

/**
 * A checker of JSON Schema 2020-12, as far as the server's document uses it. It
 * is stricter than the standard in one thing: where an object's members are
 * listed, others are errors, so that no answer holds more than is written down.
 */
export class SchemaChecker {
  readonly #schemas: Readonly<Record<string, Schema>>;

  /** @param schemas `components.schemas` of the document. */
  constructor(schemas: Readonly<Record<string, Schema>>) {
    this.#schemas = schemas;
  }

  /**
   * @returns what is wrong with a value, place by place; empty when it fits.
   * @throws {TypeError} for a keyword that this checker does not know.
   */
  problems(schema: Schema, value: unknown, at = ""): string[] {
    return Object.entries(schema).flatMap(([keyword, wanted]) =>
      NOTES.has(keyword) ? [] : this.#check(keyword, wanted, schema, value, at)
    );
  }

  #check(
    keyword: string,
    wanted: unknown,
    schema: Schema,
    value: unknown,
    at: string,
  ): string[] {
    const fail = (isFine: boolean) =>
      isFine ? [] : [`${at || "value"}: ${keyword} ${JSON.stringify(wanted)}`];
    const text = typeof value === "string" ? value : undefined;
    const number = typeof value === "number" ? value : undefined;
    const list = Array.isArray(value) ? value : undefined;
    const members = isObject(value) ? Object.entries(value) : undefined;
    switch (keyword) {
      case "$ref": {
        const name = String(wanted).replace("#/components/schemas/", "");
        const target = this.#schemas[name];
        if (!target) throw new TypeError(`There is no schema "${wanted}"`);
        return this.problems(target, value, at);
      }
      case "type":
        return fail(
          [wanted].flat().some((type) => isOfType(String(type), value)),
        );
      case "const":
        return fail(value === wanted);
      case "enum":
        return fail((wanted as unknown[]).includes(value));
      case "anyOf": {
        const tries = (wanted as Schema[])
          .map((one) => this.problems(one, value, at));
        return tries.some((found) => found.length === 0) ? [] : tries.flat();
      }
      case "pattern":
        return fail(
          text === undefined || new RegExp(String(wanted)).test(text),
        );
      case "minLength":
        return fail(text === undefined || [...text].length >= Number(wanted));
      case "maxLength":
        return fail(text === undefined || [...text].length <= Number(wanted));
      case "minimum":
        return fail(number === undefined || number >= Number(wanted));
      case "exclusiveMinimum":
        return fail(number === undefined || number > Number(wanted));
      case "maximum":
        return fail(number === undefined || number <= Number(wanted));
      case "minItems":
        return fail(!list || list.length >= Number(wanted));
      case "maxItems":
        return fail(!list || list.length <= Number(wanted));
      case "items":
        return (list ?? []).flatMap((item, index) =>
          this.problems(wanted as Schema, item, `${at}[${index}]`)
        );
      case "required":
        return fail(
          !members ||
            (wanted as string[]).every((name) => Object.hasOwn(value!, name)),
        );
      case "properties": {
        const known = wanted as Record<string, Schema>;
        return (members ?? []).flatMap(([name, member]) =>
          Object.hasOwn(known, name)
            ? this.problems(known[name]!, member, `${at}.${name}`)
            : Object.hasOwn(schema, "additionalProperties")
            ? []
            : [`${at}.${name}: nobody has written it down`]
        );
      }
      case "additionalProperties": {
        const known = Object.keys(schema["properties"] ?? {});
        const rest = (members ?? []).filter(([name]) => !known.includes(name));
        if (wanted === false) return fail(rest.length === 0);
        return rest.flatMap(([name, member]) =>
          this.problems(wanted as Schema, member, `${at}.${name}`)
        );
      }
      case "propertyNames":
        return (members ?? []).flatMap(([name]) =>
          this.problems(wanted as Schema, name, `${at} name`)
        );
      default:
        throw new TypeError(`The checker does not know "${keyword}"`);
    }
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isOfType(type: string, value: unknown): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return isObject(value);
    case "integer":
      return Number.isInteger(value);
    case "string":
      return typeof value === "string";
    case "number":
      return typeof value === "number";
    case "boolean":
      return typeof value === "boolean";
    default:
      throw new TypeError(`The checker does not know the type "${type}"`);
  }
}
