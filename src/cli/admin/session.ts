import { useProxies } from "../../agent/use_proxies.ts";
import { describeError } from "../../platform/log.ts";
import { isLoopback } from "../../wire/loopback.ts";
import { AdminClient, AdminError, type AdminMethod } from "../admin_client.ts";
import { CommandError, EXIT, type Invocation } from "../command.ts";
import { pathSegment } from "../path_segment.ts";
import { readStdin } from "../read_stdin.ts";

const DEFAULT_URL = "http://127.0.0.1:8443";
const DEFAULT_TOKEN_FILE = "/var/lib/plexd-control-plane/admin-token";

/** What the control plane takes as a body, and some room. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** A call of the admin API failed, as an operator needs to hear it. */
export class AdminFailure extends CommandError {
  constructor(
    /** Whether the same call may succeed later, with nothing done about it. */
    readonly passes: boolean,
    exitCode: number,
    message: string,
    hint?: string,
    cause?: unknown,
  ) {
    super(exitCode, message, hint, cause);
  }
}

/** One command of `plexd admin` at work. */
export interface AdminSession {
  readonly invocation: Invocation;
  /**
   * JSON, or nothing where a call has no answer. Rejects with the reason of the
   * invocation's `stop` once that aborts.
   *
   * @throws {AdminFailure} which says what the control plane said.
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
    async text(method, path, body) {
      try {
        return asJson(await client.text(method, path, body, invocation.stop));
      } catch (error) {
        throw error instanceof AdminError ? failure(error) : error;
      }
    },
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
      error instanceof Deno.errors.NotFound
        ? `there is no file ${path}`
        : `${path} cannot be read: ${describeError(error)}`,
    );
  }
}

/**
 * One segment of a path.
 *
 * @throws {CommandError} for what would be another path, as nothing or `..`.
 */
export function segment(text: string): string {
  return pathSegment(text, "an id, a name or a key");
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
      `the admin token cannot be read: ${
        error instanceof Deno.errors.NotFound
          ? `there is no file ${path}`
          : describeError(error)
      }`,
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

/** Statuses of a moment: what answers is overloaded, or begins or ends. */
const PASSING: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

function failure(error: AdminError): AdminFailure {
  const { status, problem } = error;
  if (status === undefined) {
    return new AdminFailure(
      true,
      EXIT.controlPlaneUnavailable,
      "the control plane does not answer",
      describeError(error.cause).includes("issuer is not known")
        ? "--ca-file names the certificates to trust"
        : "--api or PLEXD_ADMIN_URL names its address",
      error.cause,
    );
  }
  const { code, title, detail } = problem ?? {};
  // Where there is nothing more to say, the detail is the title of the status.
  const more = detail === title ? undefined : detail;
  const told = [code ?? `status ${status}`, more].filter(Boolean).join(": ");
  return new AdminFailure(
    PASSING.has(status),
    status === 404
      ? EXIT.notFound
      : status >= 500
      ? EXIT.controlPlaneUnavailable
      : EXIT.failed,
    `the control plane refuses: ${told}`,
    status === 401
      ? "the admin token is not one of this control plane, or its time is over"
      : hintFor(code),
  );
}

/** What to look at for a name that is not there. */
function hintFor(code: string | undefined): string | undefined {
  if (code === "not_found") {
    return "--api or PLEXD_ADMIN_URL names its address, without /admin/v1";
  }
  const list = LISTS.find(([missing]) => missing === code)?.[1];
  return list && `"plexd admin ${list} list" shows all that there are`;
}

const LISTS = [
  ["node_not_found", "nodes"],
  ["token_not_found", "tokens"],
  ["domain_not_found", "domains"],
  ["policy_not_found", "policies"],
  ["service_not_found", "services"],
  ["operator_not_found", "operators"],
  ["bridge_not_found", "bridges"],
] as const;

/** What stands in front of a control plane, or in its place, may say anything. */
function asJson(text: string): string {
  if (text === "") return text;
  try {
    JSON.parse(text);
    return text;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw notAControlPlane("its answer is not JSON");
  }
}

/**
 * The list in a member of an answer.
 *
 * @throws {AdminFailure}
 */
export function listIn<Row>(answer: string, member: string): Row[] {
  const list = JSON.parse(answer || "null")?.[member];
  if (Array.isArray(list)) return list;
  throw notAControlPlane(`its answer has no list "${member}"`);
}

/**
 * The members of an answer that is one thing.
 *
 * @throws {AdminFailure}
 */
export function objectIn(answer: string): Record<string, unknown> {
  const value = JSON.parse(answer || "null");
  if (typeof value === "object" && value !== null) return value;
  throw notAControlPlane("its answer is not an object");
}

function notAControlPlane(why: string): AdminFailure {
  return new AdminFailure(
    true,
    EXIT.controlPlaneUnavailable,
    `what answers is no control plane: ${why}`,
    "--api or PLEXD_ADMIN_URL names the address of the control plane",
  );
}
