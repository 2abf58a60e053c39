import { mediaTypeOf } from "./media_type.ts";

/**
 * Whether an answer is a web page: it comes from somebody in between then, such
 * as a proxy, and says nothing of what the control plane knows or has done.
 *
 * @param text At least the start of the body. Its type may be missing, but
 * nothing else begins with a "<".
 */
export function isWebPage(headers: Headers, text: string): boolean {
  return mediaTypeOf(headers) === "text/html" ||
    text.trimStart().startsWith("<");
}
