import { useProxies } from "../../agent/use_proxies.ts";
import { describeError } from "../../platform/log.ts";
import { isLoopback } from "../../uplink/base_url.ts";
import { AdminClient, AdminError, type AdminMethod } from "../admin_client.ts";
import { CommandError, EXIT, type Invocation } from "../command.ts";
import { readStdin } from "../read_stdin.ts";

const DEFAULT_URL = "http://127.0.0.1:8443";
const DEFAULT_TOKEN_FILE = "/var/lib/plexd-control-plane/admin-token";

/** What the control plane takes as a body, and some room. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** One command of `plexd admin` at work. */
export interface AdminSession {
  readonly invocation: Invocation;
  /**
   * Rejects with the reason of the invocation's `stop` once that aborts.
   *
   * @throws {CommandError} which says what the control plane said.
   */
  readonly text: (
    method: AdminMethod,
    path: string,
    body?: string,
  ) => Promise<string>;
}

/**
 * Connects as the flags say, else the environment (`PLEXD_ADMIN_URL`,
 * `PLEXD_ADMIN_TOKEN_FILE`), else as `plexd control-plane` is by default. A
 * token is never an argument: others on the machine could read it.
 *
 * @throws {CommandError | ConfigError} the latter for a proxy that is none.
 */
export async function withAdmin(
  invocation: Invocation,
  work: (session: AdminSession) => Promise<void>,
): Promise<number> {
  const { flags } = invocation;
  const url = checkedUrl(
    textOf(flags["--api"]) ?? Deno.env.get("PLEXD_ADMIN_URL") ?? DEFAULT_URL,
    flags["--allow-plaintext"] === true,
  );
  const tokenFile = textOf(flags["--token-file"]) ??
    Deno.env.get("PLEXD_ADMIN_TOKEN_FILE") ?? DEFAULT_TOKEN_FILE;
  // What goes to this machine holds the token, and must not leave it.
  useProxies([]);
  using http = await clientFor(textOf(flags["--ca-file"]));
  const client = new AdminClient(url, () => readToken(tokenFile), http);
  await work({
    invocation,
    text: (method, path, body) =>
      client.text(method, path, body, invocation.stop).catch((error) => {
        throw error instanceof AdminError ? failure(error) : error;
      }),
  });
  return EXIT.fine;
}

/** The text of a flag with a value. */
export function textOf(flag: string | true | undefined): string | undefined {
  return typeof flag === "string" ? flag : undefined;
}

/**
 * What `--file` names, or standard input for `-`.
 *
 * @throws {CommandError}
 */
export async function readFileFlag(path: string): Promise<string> {
  if (path === "-") return await readStdin(MAX_BODY_BYTES);
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new CommandError(
      EXIT.failed,
      `${path} cannot be read: ${describeError(error)}`,
    );
  }
}

/** One segment of a path. */
export function segment(text: string): string {
  return encodeURIComponent(text);
}

function checkedUrl(text: string, allowPlaintext: boolean): string {
  if (URL.canParse(text) && /^https?:/.test(text)) {
    const { protocol, hostname, host } = new URL(text);
    if (protocol === "https:" || allowPlaintext || isLoopback(hostname)) {
      return text.replace(/\/+$/, "");
    }
    throw new CommandError(
      EXIT.wrongUsage,
      `plain http to ${host} would show the operator's token to the network`,
      "use https, or say --allow-plaintext",
    );
  }
  throw new CommandError(
    EXIT.wrongUsage,
    `the control plane's address is an http or https URL, not "${text}"`,
    `such as --api ${DEFAULT_URL}`,
  );
}

async function readToken(path: string): Promise<string> {
  try {
    return (await Deno.readTextFile(path)).trim();
  } catch (error) {
    throw new CommandError(
      EXIT.failed,
      `the admin token cannot be read: ${describeError(error)}`,
      "name its file with --token-file or PLEXD_ADMIN_TOKEN_FILE; " +
        "plexd control-plane says where its own is",
    );
  }
}

async function clientFor(
  caFile: string | undefined,
): Promise<Deno.HttpClient> {
  if (caFile === undefined) return Deno.createHttpClient({});
  return Deno.createHttpClient({ caCerts: [await readFileFlag(caFile)] });
}

function failure(error: AdminError): CommandError {
  const { status, problem } = error;
  if (status === undefined) {
    return new CommandError(
      EXIT.controlPlaneUnavailable,
      "the control plane does not answer",
      "--api or PLEXD_ADMIN_URL names its address",
      error.cause,
    );
  }
  const { code, detail } = problem ?? {};
  const told = [code ?? `status ${status}`, detail].filter(Boolean).join(": ");
  return new CommandError(
    status === 404
      ? EXIT.notFound
      : status >= 500
      ? EXIT.controlPlaneUnavailable
      : EXIT.failed,
    `the control plane refuses: ${told}`,
    status === 401
      ? "the admin token is not one of this control plane, or its time is over"
      : undefined,
  );
}
