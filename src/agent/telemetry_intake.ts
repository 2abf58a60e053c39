import type { Config } from "../config/settings.ts";
import { type Logger, teeLogger } from "../platform/log.ts";
import type { Platform } from "../platform/platform.ts";
import { type AuditRecord, AuditTrail } from "../sync/audit_trail.ts";
import { calmLog } from "../sync/calm_log.ts";
import { TelemetryBuffers } from "./telemetry_buffers.ts";
import { LogForwarder } from "../sync/log_forwarder.ts";
import { SecretReadLog } from "../sync/secret_read_log.ts";
import { hostNameOf } from "./host_name.ts";
import { RecentLog } from "./recent_log.ts";

/**
 * Where logs and audit records wait until the node can send them: from the
 * first moment on, so that what happens before it has joined arrives, too.
 */
export interface TelemetryIntake {
  /** For all parts: what they log as warnings and errors is forwarded. */
  readonly io: Platform;
  /**
   * For what carries telemetry: nothing logged here is forwarded, or a failed
   * call would ask for the next one without end.
   */
  readonly plainIo: Platform;
  /** For answers to whoever asks: the log tells of each, however alike. */
  readonly answerIo: Platform;
  /** Notes something that has to be accounted for. */
  readonly record: (record: AuditRecord) => void;
  /** A credential in use: forwarded logs will not hold it. */
  hide(secret: string): void;
  /** It has been out of use for long: a list of them must not grow for ever. */
  forget(secret: string): void;
  /** All that are hidden. */
  readonly secrets: readonly string[];
  /** What could not be sent yet. */
  readonly buffers: TelemetryBuffers;
  /** The last lines of the log. */
  readonly recent: RecentLog;
  /** Absent when they are not wanted. */
  readonly logs?: LogForwarder;
  /** Absent when they are not wanted. */
  readonly audit?: AuditTrail;
  /** Hears who reads secrets. Absent when audit records are not wanted. */
  readonly secretReads?: SecretReadLog;
}

/** Opens what takes logs and audit records, as far as the settings want them. */
export function openIntake(config: Config, io: Platform): TelemetryIntake {
  const hostname = hostNameOf(config);
  const { clock } = io;
  const secrets: string[] = [];
  const logs = config["log_fwd.enabled"]
    ? new LogForwarder({
      hostname,
      limit: 2 * config["log_fwd.batch_size"],
      secrets: () => secrets,
      clock,
    })
    : undefined;
  const audit = config["audit_fwd.enabled"]
    ? new AuditTrail({
      hostname,
      limit: 2 * config["audit_fwd.batch_size"],
      clock,
    })
    : undefined;
  const recent = new RecentLog(clock);
  const heard = teeLogger(io.log, recent.hear);
  const plainIo = { ...io, log: calmLog(heard, clock) };
  const forwarded = (log: Logger) => logs ? teeLogger(log, logs.hear) : log;
  return {
    io: { ...io, log: forwarded(plainIo.log) },
    plainIo,
    answerIo: { ...io, log: forwarded(heard) },
    recent,
    buffers: new TelemetryBuffers(plainIo.log),
    record: (record) => audit?.record(record),
    hide(secret) {
      // The same identity again, with every reload.
      if (!secrets.includes(secret)) secrets.push(secret);
    },
    forget(secret) {
      const at = secrets.indexOf(secret);
      if (at >= 0) secrets.splice(at, 1);
    },
    secrets,
    ...(logs ? { logs } : {}),
    ...(audit
      ? {
        audit,
        secretReads: new SecretReadLog((it) => audit.record(it), clock),
      }
      : {}),
  };
}
