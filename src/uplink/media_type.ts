/** The media type that headers name: lower-case, without its parameters. */
export function mediaTypeOf(headers: Headers): string {
  const [type = ""] = headers.get("content-type")?.split(";") ?? [];
  return type.trim().toLowerCase();
}
