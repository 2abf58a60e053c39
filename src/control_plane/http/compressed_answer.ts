import { jsonTextAnswer } from "./answers.ts";

/** Below it, compressing costs more than it saves. */
const MIN_LENGTH = 1024;

/** Whether gzip is listed, and not with a weight of zero (RFC 9110, 12.5.3). */
const ACCEPTS_GZIP = /(?:^|,)\s*gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$))|,|$)/i;

/** A JSON answer, compressed when it is large and the client takes gzip. */
export async function compressedAnswer(
  request: Request,
  json: string,
): Promise<Response> {
  const answer = jsonTextAnswer(json);
  answer.headers.set("vary", "accept-encoding");
  // Some versions of the runtime would compress by themselves, with less choice.
  answer.headers.set("cache-control", "no-store, no-transform");
  const accepted = request.headers.get("accept-encoding") ?? "";
  if (
    json.length < MIN_LENGTH || !ACCEPTS_GZIP.test(accepted) || !answer.body
  ) {
    return answer;
  }
  const zipped = answer.body.pipeThrough(new CompressionStream("gzip"));
  const bytes = await new Response(zipped).arrayBuffer();
  answer.headers.set("content-encoding", "gzip");
  return new Response(bytes, { headers: answer.headers });
}
