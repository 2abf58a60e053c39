import type { Clock } from "../platform/clock.ts";
import { parseProblem, PROBLEM_MEDIA_TYPE } from "../wire/problem.ts";
import { readStart } from "./answer_body.ts";
import { ControlError, failureOf } from "./control_error.ts";
import { cutAfter } from "./deadline.ts";
import { type HttpCall, nameOf, secretsOf } from "./http_call.ts";
import { mediaTypeOf } from "./media_type.ts";
import { parseRetryAfter } from "./retry_after.ts";
import { MAX_SERVER_TEXT_BYTES, presentServerText } from "./server_text.ts";
import { isWebPage } from "./web_page.ts";

/** A problem document is read whole up to this, since half of one is none. */
const MAX_PROBLEM_BYTES = 64 * 1024;

/** How long the text is waited for: the status is known, and says more. */
const TEXT_WAIT_MS = 2_000;

/** A longer name, of a reason or a call, names nothing. */
const NAME = /^[\w.:-]{1,128}$/;

/**
 * The error that an answer with a status outside 200 to 299 stands for. Reads a
 * bounded start of its body, and frees the connection.
 *
 * @see docs/wire.md, sections a.1, a.2 and h.3
 */
export async function refusalFrom(
  call: HttpCall,
  response: Response,
  clock: Clock,
  signal: AbortSignal,
): Promise<ControlError> {
  const { status, headers } = response;
  const retryAfterMs = status === 429 || status === 503
    ? parseRetryAfter(headers.get("retry-after"), clock.now())
    : undefined;
  const late = () => new Error("The text of the refusal did not come");
  await using cut = cutAfter({ clock, ms: TEXT_WAIT_MS, signal, late });
  const reason = await reasonIn(response, secretsOf(call), cut.signal);
  const page = reason.isPage ? " (a web page)" : "";
  const named = reason.code === undefined
    ? redirectIn(response) || page
    : ` (${reason.code})`;
  return new ControlError(
    failureOf(status),
    `${nameOf(call)} was answered with status ${status}${named}`,
    {
      status,
      ...reason,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    },
  );
}

/** Where a redirect leads, without path and query, which may hold secrets. */
function redirectIn({ status, headers }: Response): string {
  const location = headers.get("location");
  if (location === null || status < 300 || status > 399) return "";
  const origin = URL.parse(location)?.origin ?? "null";
  const to = origin === "null" ? "" : ` to ${origin}`;
  return ` (a redirect${to}, which is not followed)`;
}

/** What the server says about the reason, fit to be shown. */
async function reasonIn(
  { headers, body }: Response,
  secrets: readonly string[],
  signal: AbortSignal,
): Promise<
  Pick<ControlError, "serverText" | "code" | "correlationId" | "isPage">
> {
  const isProblem = mediaTypeOf(headers) === PROBLEM_MEDIA_TYPE;
  const { text, cut } = await readStart(
    body,
    isProblem ? MAX_PROBLEM_BYTES : MAX_SERVER_TEXT_BYTES,
    signal,
  );
  const problem = isProblem && !cut ? parseProblem(text) : undefined;
  const { code, detail, title } = problem ?? {};
  const shown = presentServerText(
    problem ? detail ?? title ?? "" : text,
    cut,
    secrets,
  );
  const correlationId = headers.get("x-correlation-id") ??
    problem?.correlationId ?? headers.get("x-request-id");
  return {
    ...(shown ? { serverText: shown } : {}),
    ...(code && isName(code, secrets) ? { code } : {}),
    ...(correlationId && isName(correlationId, secrets)
      ? { correlationId }
      : {}),
    isPage: isWebPage(headers, text),
  };
}

function isName(text: string, secrets: readonly string[]): boolean {
  return NAME.test(text) && !secrets.some((secret) => text.includes(secret));
}
