/**
 * Whether a client wants `wanted`, named by itself, at least as much as plain
 * JSON.
 *
 * @param accept The `Accept` field; null when there is none.
 * @see RFC 9110, section 12.5.1
 */
export function prefersOverJson(
  accept: string | null,
  wanted: string,
): boolean {
  const weights = new Map(
    (accept ?? "").split(",").map((range): [string, number] => {
      const [type = "", ...parameters] = range.split(";");
      return [type.trim().toLowerCase(), weightIn(parameters)];
    }),
  );
  const weight = weights.get(wanted) ?? 0;
  const json = weights.get("application/json") ??
    weights.get("application/*") ?? weights.get("*/*") ?? 0;
  return weight > 0 && weight >= json;
}

/** From 0 to 1; what cannot be read counts as 0, so it asks for nothing. */
function weightIn(parameters: readonly string[]): number {
  const text = parameters.map((parameter) => parameter.trim())
    .find((parameter) => /^q=/i.test(parameter));
  if (text === undefined) return 1;
  const digits = text.slice(2);
  return /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(digits)
    ? Number(digits)
    : 0;
}
