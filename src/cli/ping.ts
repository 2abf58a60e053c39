import { controlPlanesIn, openUplink } from "../agent/open_uplink.ts";
import type { Config } from "../config/settings.ts";
import { describeError } from "../platform/log.ts";
import type { Platform } from "../platform/platform.ts";
import { ControlError } from "../uplink/control_error.ts";
import { mediaTypeOf } from "../uplink/media_type.ts";
import { EXIT, type Invocation } from "./command.ts";
import type { Screen } from "./output/screen.ts";
import { show } from "./output/show.ts";
import { table } from "./output/table.ts";

/** Longest text of a server that is shown. */
const MAX_DETAIL_CHARS = 200;

/** A portal that catches all requests answers this one, too, with 200. */
const A_PAGE = "a web page: does a proxy or a login page answer in its place?";

/** What came of asking one address. */
interface Pinged {
  readonly url: string;
  /** It answered, and with no server error. */
  readonly reachable: boolean;
  /** HTTP status; absent when there was no answer. */
  readonly status?: number;
  readonly ms: number;
  /** Why it is not reachable, or what its answer says. */
  readonly detail: string;
}

/** `plexd ping`: asks every address of the control plane. */
export async function ping(invocation: Invocation): Promise<number> {
  const { stop, version } = invocation;
  const config = await invocation.config();
  const io = invocation.platform(config);
  const urls = controlPlanesIn(config);
  const pinged = await invocation.progress("Asking", async (tell) => {
    const answers: Pinged[] = [];
    for (const url of urls) {
      tell(`Asking ${url}`);
      const only = { ...config, "api.base_url": url, "api.fallback_urls": [] };
      answers.push(await pingOne(only, url, io, version, stop));
    }
    return answers;
  });
  await show(invocation, {
    json: JSON.stringify(pinged),
    table: (screen) => asTable(screen, pinged),
  });
  return pinged.some(({ reachable }) => reachable)
    ? EXIT.fine
    : EXIT.controlPlaneUnavailable;
}

async function pingOne(
  config: Config,
  url: string,
  io: Platform,
  version: string,
  stop: AbortSignal,
): Promise<Pinged> {
  let isPage = false;
  using client = await openUplink(config, io, version, ({ headers }) => {
    isPage = mediaTypeOf(headers) === "text/html";
  });
  const start = io.clock.elapsed();
  const took = () => Math.round(io.clock.elapsed() - start);
  try {
    const status = await client.ping(stop);
    const detail = isPage ? A_PAGE : "";
    return { url, reachable: true, status, ms: took(), detail };
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    const { status } = error;
    return {
      url,
      // A control plane need not have this call.
      reachable: status !== undefined && status < 500 && status >= 400,
      ...(status === undefined ? {} : { status }),
      ms: took(),
      detail: detailOf(error),
    };
  }
}

function detailOf(error: ControlError): string {
  const { status, serverText, cause, message } = error;
  if (status === undefined) return describeError(cause ?? error);
  // Where a redirect leads says more than its page.
  const text = status < 400 ? message : serverText ?? "";
  return text.slice(0, MAX_DETAIL_CHARS);
}

function asTable(screen: Screen, pinged: readonly Pinged[]): string {
  const rows = pinged.map(({ url, reachable, status, ms, detail }) => [
    url,
    reachable
      ? { text: "reachable", colour: "green" as const }
      : { text: "not reachable", colour: "red" as const },
    status === undefined ? "no answer" : `status ${status}`,
    `${ms} ms`,
    detail,
  ]);
  const head = ["ADDRESS", "STATE", "ANSWER", "TIME", "DETAIL"];
  return table(screen, head, rows);
}
