import { ConfigError, type ConfigProblem } from "./config_error.ts";
import type { RawValue } from "./raw_value.ts";

/** Files beyond this are not configuration. */
const MAX_BYTES = 1 << 20;

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
  if (content.length > MAX_BYTES) {
    throw new ConfigError([{ where: path, what: "larger than 1 MiB" }]);
  }
  const { isMap, isScalar, LineCounter, parseDocument } = await import("yaml");
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
  const values: RawValue[] = [];
  const visit = (map: typeof root, prefix: string) => {
    for (const { key, value } of map.items) {
      if (!isScalar(key)) continue;
      const name = prefix + String(key.value);
      const where = at(key.range?.[0] ?? 0);
      const inner = isMap(value) ? value : undefined;
      values.push({
        name,
        where,
        value: isScalar(value)
          ? value.value
          : document.createNode(value).toJSON(),
        hasMembers: inner !== undefined,
      });
      if (inner) visit(inner as typeof root, `${name}.`);
    }
  };
  visit(root, "");
  return values;
}
