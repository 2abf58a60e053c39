import { makeNode } from "../bench/running_node.ts";
import type { Workshop } from "../bench/workshop.ts";

const encoder = new TextEncoder();

/** The bearer of the TCP listener. */
export const BEARER = "torture";

/** A path of a socket, or a port of 127.0.0.1. */
export type Address = string | number;

/** A real agent in a process of its own, with all of its listeners. */
export interface AttackedAgent extends AsyncDisposable {
  readonly listeners: readonly Address[];
  /** Whether its process has ended. */
  readonly hasEnded: boolean;
  /** Resident memory in MiB. */
  memory(): number;
}

/** @param descriptors Limit of open files. @default {the usual one} */
export async function startAttacked(
  workshop: Workshop,
  descriptors?: number,
): Promise<AttackedAgent> {
  const node = await makeNode(workshop);
  const folder = node.env["PLEXD_DATA_DIR"]!;
  Deno.writeTextFileSync(`${folder}/token`, BEARER, { mode: 0o600 });
  const port = freePort();
  const limit = descriptors === undefined ? "" : `ulimit -n ${descriptors}; `;
  const program = Deno.env.get("PLEXD_BIN");
  const source = [Deno.execPath(), "run", "-A", "--no-prompt", "main.ts"];
  const child = new Deno.Command("sh", {
    args: [
      "-c",
      `${limit}exec "$@"`,
      "sh",
      ...(program === undefined ? source : [program]),
      "up",
      "--die-with-stdin",
    ],
    env: {
      ...node.env,
      NO_COLOR: "1",
      PLEXD_NODE_API_HTTP_ENABLED: "true",
      PLEXD_NODE_API_HTTP_LISTEN: `127.0.0.1:${port}`,
      PLEXD_NODE_API_HTTP_TOKEN_FILE: `${folder}/token`,
    },
    stdin: "piped",
    stdout: "null",
    stderr: "null",
  }).spawn();
  let hasEnded = false;
  child.status.then(() => hasEnded = true);
  const secrets = node.env["PLEXD_NODE_API_SECRETS_SOCKET_PATH"]!;
  const listeners = [node.socket, secrets, port];
  while (!await isServing(port)) {
    if (hasEnded) throw new Error("The agent ended before it answered");
    await pause(50);
  }
  return {
    listeners,
    get hasEnded() {
      return hasEnded;
    },
    memory() {
      const status = Deno.readTextFileSync(`/proc/${child.pid}/status`);
      return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024;
    },
    async [Symbol.asyncDispose]() {
      await child.stdin.close().catch(() => {});
      await child.status;
    },
  };
}

/** Connects. */
export function dial(address: Address): Promise<Deno.Conn> {
  return typeof address === "string"
    ? Deno.connect({ transport: "unix", path: address })
    : Deno.connect({ hostname: "127.0.0.1", port: address });
}

/** Whether a fresh connection is answered as it should be. */
export async function isServing(address: Address): Promise<boolean> {
  try {
    using connection = await dial(address);
    const timer = setTimeout(() => connection.close(), 10_000);
    try {
      await connection.write(encoder.encode(GOOD));
      const buffer = new Uint8Array(4_096);
      const size = await connection.read(buffer) ?? 0;
      const text = new TextDecoder().decode(buffer.subarray(0, size));
      return text.startsWith("HTTP/1.1 200 ");
    } finally {
      clearTimeout(timer);
    }
  } catch {
    return false;
  }
}

/** A request that every listener answers with 200. */
export const GOOD = "GET /v1/state/metadata HTTP/1.1\r\nHost: localhost\r\n" +
  `Authorization: Bearer ${BEARER}\r\n\r\n`;

/** Real time, in ms: nothing here is a test. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
