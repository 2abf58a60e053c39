import { createControlPlane } from "../control_plane/control_plane.ts";
import { WITHOUT, type Without } from "../control_plane/provision.ts";
import {
  DEFAULT_THRESHOLDS,
  type ReachabilityThresholds,
} from "../control_plane/reachability.ts";
import { ControlPlaneStartError } from "../control_plane/start_error.ts";
import { describeError } from "../platform/log.ts";
import { checkBaseUrl } from "../uplink/base_url.ts";
import { parseDuration } from "../wire/duration.ts";
import { CommandError, EXIT, type Invocation } from "./command.ts";
import { DEFAULT_CONTROL_PLANE_DIR } from "./control_plane_dir.ts";
import { messageBusFrom } from "./message_bus_flags.ts";
import { joinUsers, leaveUsers } from "./users.ts";

/** `plexd control-plane`: runs the server until it is told to stop. */
export async function controlPlane(invocation: Invocation): Promise<number> {
  const { flags, print, stop, version } = invocation;
  const listen = listenAddress(textOf(flags["--listen"], "127.0.0.1:8443"));
  const tls = await readTls(flags["--tls-cert"], flags["--tls-key"]);
  const publicUrl = publicUrlFrom(flags["--public-url"]);
  const artifactsDir = flags["--artifacts"];
  const snapshotLifetimeMs = durationFrom(flags, "--snapshot-lifetime");
  const reachability = thresholdsFrom(flags);
  const signedStates = signedStatesFrom(flags["--snapshots"]);
  const without = withoutFrom(flags["--without"]);
  const messageBus = await messageBusFrom(flags);
  const users = await joinUsers(flags["--users-lock"]);
  try {
    const server = await start({
      dataDir: textOf(flags["--data-dir"], DEFAULT_CONTROL_PLANE_DIR),
      listen,
      ...(tls ? { tls } : {}),
      ...(publicUrl === undefined ? {} : { publicUrl }),
      ...(typeof artifactsDir === "string" ? { artifactsDir } : {}),
      ...(snapshotLifetimeMs === undefined ? {} : { snapshotLifetimeMs }),
      signedStates,
      reachability,
      newEpoch: flags["--new-epoch"] === true,
      without,
      ...(messageBus ? { messageBus } : {}),
      version,
      io: invocation.platform(),
    });
    const { url, adminTokenFile, missing } = server;
    if (flags["--log-format"] === "json") {
      print(
        JSON.stringify({
          listening: url,
          admin_token_file: adminTokenFile,
          ...(missing.length === 0 ? {} : { missing }),
        }),
      );
    } else {
      print(`The control plane is up at ${url}`);
      print(`Its admin token is in ${adminTokenFile}`);
      if (missing.length > 0) {
        print(
          `Pull and stream answer 501, since this is missing: ${
            missing.join(", ")
          }`,
        );
      }
    }
    await server.run(stop);
  } finally {
    await leaveUsers(users);
  }
  return EXIT.fine;
}

async function start(options: Parameters<typeof createControlPlane>[0]) {
  const { hostname, port } = options.listen;
  try {
    return await createControlPlane(options);
  } catch (cause) {
    if (cause instanceof ControlPlaneStartError) {
      const exitCode = cause.kind === "already_running"
        ? EXIT.alreadyRunning
        : EXIT.badConfiguration;
      throw new CommandError(exitCode, cause.message);
    }
    if (cause instanceof Deno.errors.AddrInUse) {
      throw new CommandError(
        EXIT.failed,
        `something listens on ${hostname}:${port} already`,
        "choose another address with --listen",
      );
    }
    if (cause instanceof Deno.errors.PermissionDenied) {
      throw new CommandError(
        EXIT.failed,
        `this user may not write ${options.dataDir}`,
        "choose another folder with --data-dir",
        cause,
      );
    }
    throw cause;
  }
}

function textOf(flag: string | true | undefined, fallback: string): string {
  return typeof flag === "string" ? flag : fallback;
}

function publicUrlFrom(flag: string | true | undefined): string | undefined {
  if (typeof flag !== "string") return undefined;
  try {
    // Plain HTTP is the operator's choice here: nothing is sent there.
    return checkBaseUrl(flag, true).href;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new CommandError(
      EXIT.wrongUsage,
      "--public-url is an http or https URL of host, port and path only",
      "such as https://plane.example",
    );
  }
}

/** Below it, what is measured would be over on the way. */
const MIN_DURATION_MS = 1_000;

function durationFrom(
  flags: Invocation["flags"],
  name: string,
): number | undefined {
  const flag = flags[name];
  if (typeof flag !== "string") return undefined;
  // The database counts in whole ones.
  const ms = Math.ceil(parseDuration(flag) ?? NaN);
  if (ms >= MIN_DURATION_MS) return ms;
  throw new CommandError(
    EXIT.wrongUsage,
    `${name} is a duration of at least 1s, not "${flag}"`,
    "such as 24h",
  );
}

function thresholdsFrom(flags: Invocation["flags"]): ReachabilityThresholds {
  const staleAfterMs = durationFrom(flags, "--stale-after") ??
    DEFAULT_THRESHOLDS.staleAfterMs;
  const unreachableAfterMs = durationFrom(flags, "--unreachable-after") ??
    DEFAULT_THRESHOLDS.unreachableAfterMs;
  if (staleAfterMs < unreachableAfterMs) {
    return { staleAfterMs, unreachableAfterMs };
  }
  throw new CommandError(
    EXIT.wrongUsage,
    "--unreachable-after must be longer than --stale-after",
    "such as --stale-after 90s --unreachable-after 5m",
  );
}

function signedStatesFrom(
  flag: string | true | undefined,
): "required" | "offered" {
  if (flag === undefined || flag === "offered") return "offered";
  if (flag === "required") return "required";
  throw new CommandError(
    EXIT.wrongUsage,
    `--snapshots is required or offered, not "${flag}"`,
  );
}

function listenAddress(text: string): { hostname: string; port: number } {
  const [, hostname, port] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  if (hostname === undefined || Number(port) > 65_535) {
    throw new CommandError(
      EXIT.wrongUsage,
      `--listen is HOST:PORT, not "${text}"`,
      "such as 127.0.0.1:8443",
    );
  }
  return { hostname: hostname.replace(/^\[(.*)\]$/, "$1"), port: Number(port) };
}

async function readTls(
  cert: string | true | undefined,
  key: string | true | undefined,
): Promise<{ cert: string; key: string } | undefined> {
  if (cert === undefined && key === undefined) return undefined;
  if (typeof cert !== "string" || typeof key !== "string") {
    throw new CommandError(
      EXIT.wrongUsage,
      "--tls-cert and --tls-key go together",
    );
  }
  try {
    return {
      cert: await Deno.readTextFile(cert),
      key: await Deno.readTextFile(key),
    };
  } catch (cause) {
    throw new CommandError(
      EXIT.badConfiguration,
      `the certificate cannot be read: ${describeError(cause)}`,
    );
  }
}

function withoutFrom(flag: string | true | undefined): readonly Without[] {
  const names = textOf(flag, "").split(",").filter((name) => name !== "");
  return names.map((name) => {
    const known = WITHOUT.find((one) => one === name);
    if (known !== undefined) return known;
    throw new CommandError(
      EXIT.wrongUsage,
      `--without names ${WITHOUT.join(", ")}, not "${name}"`,
      "such as --without relation-checker,audit",
    );
  });
}
