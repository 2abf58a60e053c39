import { describeError } from "../platform/log.ts";
import type { Degraded } from "../sync/degraded.ts";
import { ControlError } from "../uplink/control_error.ts";
import { describeFailure } from "../uplink/describe_failure.ts";

/** The calls that are made again and again, whatever comes of them. */
export type ContactSurface = "stream" | "pull" | "heartbeat" | "credentials";

/** What hears when the node is not known any more, and tells what it does. */
export interface ContactRejoin {
  want(wanted: boolean): void;
  readonly nextTryMs: number | undefined;
  readonly outcome: string | undefined;
}

/** Follows how the calls to the control plane go. */
export interface ContactWatch {
  /** Takes a call's failure, or `undefined` for a success. */
  heard(surface: ContactSurface, failure: unknown): void;
  /** The node has another identity: what was said to the former one is over. */
  renewed(): void;
  /** Shows anew what is wrong, with the latest news about the next try. */
  show(): void;
  /**
   * Calls `listener` when the control plane is there again, and no former one:
   * this outlives the parts that listen.
   */
  onRegained(listener: () => void): void;
}

/** Failures after which nobody knows whether the control plane is there. */
const UNREACHABLE: readonly ControlError["kind"][] = [
  "unreachable",
  "timeout",
  "server",
  "bad_answer",
  "unexpected_status",
];

/**
 * Whether an answer takes back that the node is refused. A control plane of
 * dialect 2 without an event bus never opens a stream, so that no success can.
 * One that is sick or busy has not looked at who asks.
 */
function takesBack(failure: unknown): boolean {
  const status = failure instanceof ControlError ? failure.status ?? 0 : 0;
  return status === 501 ||
    status >= 400 && status <= 499 && ![401, 403, 408, 429].includes(status);
}

/** Who takes no heartbeats, as dialect 2 may say, is there. */
export function lacksHeartbeats(failure: unknown): boolean {
  return failure instanceof ControlError && failure.status === 501;
}

/**
 * Turns the outcomes of calls into what is wrong with the connection.
 *
 * Any success shows that the control plane is there, but does not make a state
 * of what it answers to pulls: those have to succeed themselves, or a heartbeat
 * now and then would hide that they fail for ever. That it does not want this
 * node is over only where it was said: it may refuse the stream alone.
 */
export function watchContact(
  degraded: Degraded,
  rejoin?: ContactRejoin,
): ContactWatch {
  const refusals = new Map<ContactSurface, ControlError>();
  let tellRegained = () => {};
  let isAway = false;
  let pullsFail = false;
  const show = () => {
    const [first] = refusals.values();
    if (!first) return degraded.clear("unauthorized");
    const outcome = rejoin?.outcome;
    const nextTryMs = rejoin?.nextTryMs;
    degraded.raise("unauthorized", {
      detail: describeFailure(first) + (outcome ? `; ${outcome}` : ""),
      ...(nextTryMs === undefined ? {} : { nextTryMs }),
    });
  };
  const answered = (surface: ContactSurface) => {
    if (surface === "pull") pullsFail = false;
    if (!pullsFail) degraded.clear("control_plane_unreachable");
  };
  return {
    show,
    renewed() {
      // What an earlier run has heard is over when a call is answered.
      if (refusals.size === 0) return;
      refusals.clear();
      show();
    },
    onRegained: (listener) => void (tellRegained = listener),
    heard(surface, failure) {
      const kind = failure instanceof ControlError ? failure.kind : undefined;
      if (takesBack(failure)) refusals.delete(surface);
      if (failure === undefined) {
        refusals.delete(surface);
        answered(surface);
        // The stream is often the first to notice, in either direction.
        if (isAway || surface === "stream") tellRegained();
        isAway = false;
      } else if (kind === "unauthorized" || kind === "forbidden") {
        refusals.set(surface, failure as ControlError);
        pullsFail = false;
        degraded.clear("control_plane_unreachable");
      } else if (kind === undefined || !UNREACHABLE.includes(kind)) {
        // It was answered, if not as wanted: the pull tells of that itself.
        if (surface === "pull") answered(surface);
      } else if (
        surface !== "stream" &&
        !(surface === "heartbeat" && lacksHeartbeats(failure))
      ) {
        // A stream breaks now and then: it has a section of its own.
        const detail = describeError(failure);
        if (surface === "pull") pullsFail = true;
        degraded.raise("control_plane_unreachable", { detail });
        isAway = true;
      }
      // Who is known no more is told so by every call, not by that of the bus
      // alone: a node that is served must not become another one.
      rejoin?.want(
        [...refusals].some(([surface, { kind }]) =>
          kind === "unauthorized" && surface !== "credentials"
        ),
      );
      show();
    },
  };
}
