import { connect, type Socket } from "node:net";
import type { Clock } from "../platform/clock.ts";
import type { ProbeResult } from "./observe_peer.ts";

/** An address and port that need no name service. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What {@linkcode tcpAnswer} works with. */
export interface TcpAnswerOptions {
  /** How long an answer may take. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Begins a connection. @default {connect} */
  readonly open?: (address: Address) => Socket;
}

/**
 * Opens a TCP connection and closes it at once; nothing is sent.
 *
 * A refused connection is an answer, too: the peer's machine has sent it, and
 * mesh ports are mostly for UDP.
 *
 * @param signal Ends the try early, which then counts as failed.
 */
export async function tcpAnswer(
  address: Address,
  { timeoutMs, clock, open = connect }: TcpAnswerOptions,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const startedMs = clock.elapsed();
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const socket = open(address);
  const closed = new Promise<void>((resolve) => socket.once("close", resolve));
  const ended = new Promise<ProbeResult>((resolve) => {
    const answered = () =>
      resolve({ answered: true, latencyMs: clock.elapsed() - startedMs });
    socket.once("connect", answered);
    socket.once("error", (error: Error & { readonly code?: string }) => {
      if (error.code === "ECONNREFUSED") answered();
      else resolve({ answered: false, reason: reasonOf(error.code) });
    });
  });
  const timeout = clock.sleep(timeoutMs, either).then(
    () => ({ answered: false, reason: "timeout" }) as const,
    () => ({ answered: false, reason: "error" }) as const,
  );
  try {
    return await Promise.race([ended, timeout]);
  } finally {
    over.abort();
    socket.destroy();
    await closed;
  }
}

function reasonOf(code: string | undefined) {
  switch (code) {
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return "unreachable";
    case "ETIMEDOUT":
      return "timeout";
    default:
      return "error";
  }
}
