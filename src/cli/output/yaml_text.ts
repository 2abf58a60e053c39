/** May steer a terminal, or look like something else than it is. */
const STEERING = /[\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g;

/**
 * The same document as YAML. The library is loaded only here: few ask for it.
 *
 * Whole numbers keep all their digits. Texts that YAML 1.1 takes for something
 * else (`no`, `1:30`) stand in quotes; so does what could steer a terminal.
 *
 * @param json Valid JSON.
 */
export async function yamlText(json: string): Promise<string> {
  const { Document, isScalar, visit } = await import(
    "../../config/yaml_library.ts"
  );
  const document = new Document(JSON.parse(json, withAllDigits), {
    aliasDuplicateObjects: false,
    compat: "yaml-1.1",
  });
  visit(document, {
    Scalar: (_key, node) => {
      if (!isScalar(node) || typeof node.value !== "string") return;
      if (node.value.search(STEERING) >= 0) node.type = "QUOTE_DOUBLE";
    },
  });
  return document.toString({ lineWidth: 0 }).trimEnd().replace(
    STEERING,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function withAllDigits(
  _name: string,
  value: unknown,
  context?: { source?: string },
): unknown {
  const source = context?.source;
  const isLong = typeof value === "number" && !Number.isSafeInteger(value);
  return isLong && source !== undefined && /^-?\d+$/.test(source)
    ? BigInt(source)
    : value;
}
