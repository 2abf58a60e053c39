import type { DatagramSender } from "./datagram.ts";
import { describeError, type Logger } from "./log.ts";

/**
 * Who started this process as a service and wants to hear how it is. Telling
 * never fails and never waits: a service works whether or not anybody listens.
 */
export interface ServiceManager {
  /**
   * Silence after which the process is ended, in ms; undefined where nobody
   * listens for signs of life.
   */
  readonly watchdogMs: number | undefined;
  /** It does its work now, or again. */
  ready(status: string): void;
  /** It reads its configuration anew, until it is ready. */
  reloading(status: string): void;
  /** It is about to end. */
  stopping(status: string): void;
  /** How it is, in one line for people. */
  status(text: string): void;
  /** A sign of life. */
  alive(): void;
  /** The start takes longer: at least another `ms` from now. */
  moreTime(ms: number): void;
  /** Resolves when all of this has been told, or could not be. */
  told(): Promise<void>;
}

/** Nobody listens, as in a terminal or a container. */
export const NO_SERVICE_MANAGER: ServiceManager = {
  watchdogMs: undefined,
  ready() {},
  reloading() {},
  stopping() {},
  status() {},
  alive() {},
  moreTime() {},
  told: () => Promise.resolve(),
};

/** What systemd says in the environment of a service. */
export interface ServiceVariables {
  /** `NOTIFY_SOCKET`: where to tell. */
  readonly notifySocket: string;
  /** `WATCHDOG_USEC`, as text. */
  readonly watchdogUsec: string | undefined;
  /** `WATCHDOG_PID`: the process that the former is meant for. */
  readonly watchdogPid: string | undefined;
}

/**
 * Takes what systemd says out of the environment: children must not speak in
 * the name of this process.
 *
 * @returns undefined where there is no service manager.
 */
export function takeServiceVariables(
  env: Pick<Deno.Env, "get" | "delete">,
): ServiceVariables | undefined {
  const take = (name: string) => {
    const value = env.get(name);
    env.delete(name);
    return value;
  };
  const notifySocket = take("NOTIFY_SOCKET");
  const watchdogUsec = take("WATCHDOG_USEC");
  const watchdogPid = take("WATCHDOG_PID");
  if (!notifySocket) return undefined;
  return { notifySocket, watchdogUsec, watchdogPid };
}

/** Options for {@linkcode systemdManager}. */
export interface SystemdOptions {
  readonly variables: ServiceVariables;
  readonly sender: Pick<DatagramSender, "send">;
  readonly pid: number;
  /** Time since the machine started, in µs. */
  readonly monotonicUsec: () => number;
  readonly log: Logger;
}

/**
 * Speaks the notification protocol of systemd: one datagram of `NAME=value`
 * lines for each thing to tell, in order.
 *
 * @see sd_notify(3), sd_watchdog_enabled(3)
 */
export function systemdManager(options: SystemdOptions): ServiceManager {
  const { variables, sender, monotonicUsec, log } = options;
  let last: Promise<void> = Promise.resolve();
  let failed = false;
  const tell = (...lines: string[]) => {
    const bytes = new TextEncoder().encode(lines.join("\n"));
    last = last.then(async () => {
      try {
        await sender.send(bytes, variables.notifySocket);
        failed = false;
      } catch (error) {
        // Once: the next sign of life would say the same.
        if (!failed) {
          log.warn("The service manager could not be told", {
            socket: variables.notifySocket,
            error: describeError(error),
          });
        }
        failed = true;
      }
    });
  };
  return {
    watchdogMs: watchdogMs(variables, options.pid),
    ready: (status) => tell("READY=1", statusLine(status)),
    reloading: (status) =>
      tell(
        "RELOADING=1",
        `MONOTONIC_USEC=${monotonicUsec()}`,
        statusLine(status),
      ),
    stopping: (status) => tell("STOPPING=1", statusLine(status)),
    status: (text) => tell(statusLine(text)),
    alive: () => tell("WATCHDOG=1"),
    moreTime: (ms) => tell(`EXTEND_TIMEOUT_USEC=${Math.ceil(ms * 1_000)}`),
    told: () => last,
  };
}

function watchdogMs(
  { watchdogUsec, watchdogPid }: ServiceVariables,
  pid: number,
): number | undefined {
  if (watchdogPid !== undefined && watchdogPid !== String(pid)) {
    return undefined;
  }
  if (!/^[1-9]\d{0,15}$/.test(watchdogUsec ?? "")) return undefined;
  return Number(watchdogUsec) / 1_000;
}

/** A line break would begin another message, which others might have chosen. */
function statusLine(text: string): string {
  return `STATUS=${text.replace(/\p{Cc}+/gu, " ")}`;
}
