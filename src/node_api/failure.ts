/**
 * The kind of a failure from one of the sources, whose error classes the API
 * knows by name only (ports.ts).
 *
 * @returns undefined when `error` is not of that class.
 */
export function failureKind(error: unknown, name: string): string | undefined {
  if (!(error instanceof Error) || error.name !== name) return undefined;
  const kind: unknown = Reflect.get(error, "kind");
  return typeof kind === "string" ? kind : undefined;
}
