import {
  AgentNotEnrolledError,
  NoAnswerError,
} from "../agent/ask_running_agent.ts";
import { NoEpochOfferedError } from "../agent/accept_epoch.ts";
import { NotEnrolledError } from "../agent/deregister.ts";
import { DeregistrationError } from "../agent/deregister_upstream.ts";
import type { Config } from "../config/settings.ts";
import { ListenError } from "../node_api/listen_error.ts";
import { GoFolderError } from "../store/go_folder.ts";
import { RegistrationError } from "../sync/registration_answer.ts";
import { TokenError } from "../sync/token_sources.ts";
import { RequestPendingError } from "../store/leave_request.ts";
import {
  AlreadyRunningError,
  CorruptIdentityError,
  CorruptTrustError,
  errorCode,
  PurgeError,
  SealKeyError,
  StoreOpenError,
  StoreWriteError,
} from "../store/store_errors.ts";
import { notEnrolled } from "./ask_agent.ts";
import { CommandError, EXIT } from "./command.ts";

/** For a command that has to wait for the end of the agent. */
export function asHeldError(error: unknown, config: Config): unknown {
  if (!(error instanceof AlreadyRunningError)) {
    return asCommandError(error, config);
  }
  const unit = config.cluster === "default"
    ? "plexd"
    : `plexd@${config.cluster}`;
  return new CommandError(
    EXIT.alreadyRunning,
    error.message,
    `end it first, as with "systemctl stop ${unit}", then try again`,
  );
}

/** What keeps the agent from starting, as an engineer needs to hear it. */
export function asCommandError(error: unknown, config: Config): unknown {
  // The part that failed is named around the reason.
  if (error instanceof Error && error.cause instanceof ListenError) {
    return asCommandError(error.cause, config);
  }
  if (error instanceof ListenError) {
    const ofConfiguration = error.kind !== "in_use" && error.kind !== "failed";
    return new CommandError(
      ofConfiguration ? EXIT.badConfiguration : EXIT.failed,
      error.message,
      "the listeners are set by node_api.*; see docs/configuration.md",
      error.kind === "failed" ? error.cause : undefined,
    );
  }
  if (error instanceof AlreadyRunningError) {
    return new CommandError(
      EXIT.alreadyRunning,
      error.message,
      '"plexd status" asks the one that runs',
    );
  }
  if (error instanceof SealKeyError) {
    return new CommandError(EXIT.badConfiguration, error.message);
  }
  if (error instanceof StoreWriteError) {
    const hint = shortageHint(error, config);
    return hint ? new CommandError(EXIT.failed, error.message, hint) : error;
  }
  if (error instanceof StoreOpenError) {
    return new CommandError(
      EXIT.failed,
      error.message,
      shortageHint(error, config) ??
        `is ${config.data_dir} writable for this user? See --data-dir`,
    );
  }
  if (
    error instanceof CorruptIdentityError || error instanceof CorruptTrustError
  ) {
    return new CommandError(EXIT.failed, error.message);
  }
  if (error instanceof NotEnrolledError) {
    return new CommandError(
      EXIT.notEnrolled,
      error.message,
      "is it in another folder? See --data-dir and --cluster; " +
        '"plexd deregister --purge" removes what a former node left',
    );
  }
  if (error instanceof AgentNotEnrolledError) return notEnrolled();
  if (error instanceof DeregistrationError) {
    return new CommandError(
      error.kind === "unavailable" ? EXIT.controlPlaneUnavailable : EXIT.failed,
      error.message,
      "nothing was removed; --force forgets this node here all the same",
      error.cause,
    );
  }
  if (error instanceof PurgeError) {
    return new CommandError(
      EXIT.failed,
      error.message,
      "the node is deregistered; give this user the right to remove it, or " +
        'run "plexd deregister --purge" once more as root',
    );
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return new CommandError(
      EXIT.failed,
      `this user may not use ${config.data_dir}`,
      "run this as root, or as the user of the agent",
    );
  }
  if (error instanceof NoEpochOfferedError) {
    return new CommandError(
      EXIT.failed,
      error.message,
      'one that was refused shows as "Last pull" in "plexd status"',
    );
  }
  if (error instanceof RequestPendingError) {
    return new CommandError(EXIT.alreadyRunning, error.message);
  }
  if (error instanceof NoAnswerError) {
    return new CommandError(
      EXIT.failed,
      error.message,
      '"plexd status" asks the one that runs',
    );
  }
  if (error instanceof GoFolderError) {
    return new CommandError(EXIT.failed, error.message);
  }
  if (error instanceof TokenError) {
    return new CommandError(
      EXIT.notEnrolled,
      error.message,
      "get a one-time token from the operator of the control plane and put it " +
        `into ${config["registration.token_file"]} (mode 0600)`,
    );
  }
  if (error instanceof RegistrationError) {
    return new CommandError(
      error.kind === "unreachable"
        ? EXIT.controlPlaneUnavailable
        : EXIT.notEnrolled,
      error.message,
      registrationHint(error, config),
      error.kind === "refused" ? undefined : error.cause,
    );
  }
  return error;
}

/** What helps where the system lacked something for a moment, if it did. */
function shortageHint(
  { cause }: Error,
  { data_dir }: Config,
): string | undefined {
  switch (errorCode(cause)) {
    case "ENOSPC":
    case "EDQUOT":
      return `make room where ${data_dir} is`;
    case "EROFS":
      return `mount the file system of ${data_dir} for writing; if it has ` +
        "turned read-only, look at the kernel's log for disk errors";
    case "EMFILE":
      return "this process may open too few files: raise LimitNOFILE= of the " +
        "unit, or `ulimit -n`, to 1024 or more; what is stored is untouched";
    case "ENFILE":
    case "ENOMEM":
      return "the machine ran short of open files or memory: try again when " +
        "there is room; what is stored is untouched";
    default:
      return undefined;
  }
}

function registrationHint(
  { remedy }: RegistrationError,
  config: Config,
): string | undefined {
  switch (remedy) {
    case "token":
      return "a token is good once and for a time: ask for a fresh one";
    case "resource":
      return "the token is for another project or resource: see " +
        "registration.project_id, .resource_handle and .requested_resource_id";
    case "address":
      return `is ${config["api.base_url"]} the right address?`;
    case "none":
      return undefined;
  }
}
