import { ConfigError, type ConfigProblem } from "./config_error.ts";
import type { RawValue } from "./raw_value.ts";

/** Any node of a document: where its text begins, first. */
interface Ranged {
  readonly range?: readonly number[] | null;
}

/**
 * Reads a YAML file into values by dotted name, each with its place.
 *
 * The YAML parser is loaded only here: without a file the agent starts without.
 *
 * @throws {ConfigError} when it is no YAML map, with line and column.
 */
export async function readConfigFile(
  path: string,
  content: string,
): Promise<RawValue[]> {
  const { isAlias, isMap, isScalar, LineCounter, parseDocument, visit } =
    await import("./yaml_library.ts");
  const lineCounter = new LineCounter();
  const document = parseDocument(content, { lineCounter });
  const at = (offset: number) => {
    const { line, col } = lineCounter.linePos(offset);
    return `${path}:${line}:${col}`;
  };
  if (document.errors.length > 0) {
    throw new ConfigError(
      document.errors.map((error): ConfigProblem => ({
        where: at(error.pos[0]),
        // The parser's second line shows the text around it: maybe a token.
        what: error.message.split("\n")[0]!.replace(/ at line .*$/, ""),
      })),
    );
  }
  const root = document.contents;
  if (root === null) return [];
  if (!isMap(root)) {
    throw new ConfigError([{ where: path, what: "expected names and values" }]);
  }
  const problems: ConfigProblem[] = [];
  const refuse = (offset: number, what: string) =>
    problems.push({ where: at(offset), what });
  visit(document, {
    // A few lines of them can stand for gigabytes.
    Alias: (_key, node) => {
      refuse(node.range?.[0] ?? 0, "aliases are not supported");
    },
    Pair: (_key, { key }) => {
      if (isScalar(key) || isAlias(key)) return;
      const range = isMap(key) ? key.range : undefined;
      refuse(range?.[0] ?? 0, "a name must be a plain text");
    },
  });
  if (problems.length > 0) throw new ConfigError(problems);
  const values: RawValue[] = [];
  const collect = (map: typeof root, prefix: string) => {
    for (const { key, value } of map.items) {
      if (!isScalar(key)) continue;
      const name = prefix + String(key.value);
      const where = at(key.range?.[0] ?? 0);
      const inner = isMap(value) ? value : undefined;
      const isEmpty = isScalar(value) && value.value === null;
      const offset = isEmpty ? undefined : (value as Ranged | null)?.range?.[0];
      values.push({
        name,
        where,
        ...(offset === undefined ? {} : { valueWhere: at(offset) }),
        value: isScalar(value)
          ? value.value
          : document.createNode(value).toJSON(),
        hasMembers: inner !== undefined,
      });
      if (inner) collect(inner as typeof root, `${name}.`);
    }
  };
  collect(root, "");
  return values;
}
