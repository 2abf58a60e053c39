import { importSigningKey } from "../trust/signing_key.ts";
import { bearerFor } from "../uplink/bearer.ts";
import { ControlError } from "../uplink/control_error.ts";
import { correlationIn } from "../uplink/describe_failure.ts";
import type { Dialect } from "../wire/dialect.ts";
import { encodeSegment } from "../wire/endpoints.ts";
import { nodeSecretToKey } from "../wire/node_secret.ts";
import { ShapeError } from "../wire/shape_error.ts";

/** What a control plane makes of a node that registers, in either dialect. */
export interface RegistrationAnswer {
  readonly nodeId: string;
  readonly meshIp: string;
  readonly domainId?: string;
  readonly nodeSecretKey: string;
  readonly signingPublicKey: string;
  /** Dialect 2 only. */
  readonly signingKeyId?: string;
  readonly announced: AnnouncedTrust;
  /** Heartbeats may tell of the agent's health. */
  readonly heartbeatAgent?: boolean;
  readonly nodeName?: string;
  readonly domainName?: string;
}

/** What plexd's own control plane says of signed states; others say nothing. */
export interface AnnouncedTrust {
  /** Base64 of 32 bytes: the root to pin. */
  readonly root?: string;
  /** Text of the trust bundle in force. */
  readonly bundle?: string;
  /** Every state will be signed. */
  readonly signedRequired: boolean;
}

/** Reads what an answer of either dialect announces. */
export function announcedTrustIn(answer: {
  readonly trust_root?: string | undefined;
  readonly trust_bundle?: Record<string, unknown> | undefined;
  readonly snapshots?: "required" | "offered" | undefined;
}): AnnouncedTrust {
  const { trust_root: root, trust_bundle: bundle, snapshots } = answer;
  return {
    ...(root === undefined ? {} : { root }),
    ...(bundle === undefined ? {} : { bundle: JSON.stringify(bundle) }),
    signedRequired: snapshots === "required",
  };
}

/** What people call node and domain, as far as it is told. */
export function namesIn(answer: {
  readonly node_name?: string | undefined;
  readonly domain_name?: string | undefined;
}): Pick<RegistrationAnswer, "nodeName" | "domainName"> {
  const { node_name: nodeName, domain_name: domainName } = answer;
  return {
    ...(nodeName ? { nodeName } : {}),
    ...(domainName ? { domainName } : {}),
  };
}

/**
 * What to look at when a registration failed: the token, what this node
 * registers as, or the address; nothing where the message says all of it.
 */
export type Remedy = "token" | "resource" | "address" | "none";

/** This node could not be registered. */
export class RegistrationError extends Error {
  override readonly name = "RegistrationError";

  constructor(
    /** One that is "refused" quotes its cause. */
    readonly kind: "refused" | "unreachable" | "bad_answer",
    message: string,
    cause?: unknown,
    /** @default {told by the cause} */
    readonly remedy: Remedy = remedyFor(kind, cause),
  ) {
    super(message, { cause });
  }
}

function remedyFor(kind: RegistrationError["kind"], cause: unknown): Remedy {
  if (kind !== "refused" || !(cause instanceof ControlError)) return "address";
  if (isOfResource(cause)) return "resource";
  switch (cause.kind) {
    case "unauthorized":
    case "forbidden":
    case "conflict":
      return "token"; // It is good once, and for a time.
    case "not_found":
      return "address";
    case "unexpected_status":
      // Redirects, and what answers 405 or 410; 422 is about the request.
      return cause.code === undefined && cause.status !== 422
        ? "address"
        : "none";
    default:
      return "none";
  }
}

/** What this node registers as does not fit the token, which may be good. */
function isOfResource({ code }: ControlError): boolean {
  return code !== undefined &&
    ["project_mismatch", "kind_mismatch", "resource_not_found"].includes(code);
}

/** The control plane will not have this node, however often it is asked. */
export function refusalOf(error: ControlError): RegistrationError {
  const { kind, status, code, serverText } = error;
  if (status === undefined) {
    return new RegistrationError("refused", error.message, error);
  }
  const what = [code, serverText && `it said: ${serverText}`].filter(Boolean);
  const said = what.length > 0 ? ` (${what.join("; ")})` : "";
  const ofToken = !isOfResource(error) &&
    (kind === "unauthorized" || kind === "forbidden");
  const why = ofToken
    ? "refused the bootstrap token"
    : kind === "conflict"
    ? "says that the bootstrap token has been used"
    : "refused the registration";
  return new RegistrationError(
    "refused",
    `The control plane ${why}: status ${status}${said}${correlationIn(error)}`,
    error,
  );
}

/**
 * Checks an answer before anything of it is stored.
 *
 * @throws {RegistrationError} kind "bad_answer" for one that could not be used
 * later.
 */
export function checkAnswer(
  dialect: Dialect,
  answer: RegistrationAnswer,
): void {
  const { nodeId, nodeSecretKey, signingPublicKey, announced } = answer;
  if (!importSigningKey(signingPublicKey)) throw unusable("no signing key");
  if (announced.root !== undefined && !importSigningKey(announced.root)) {
    throw unusable("no trust root");
  }
  try {
    encodeSegment(nodeId);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    throw unusable("no node id that a path can carry");
  }
  try {
    nodeSecretToKey(nodeSecretKey);
    bearerFor(dialect, nodeId, nodeSecretKey);
  } catch (error) {
    if (!(error instanceof ShapeError || error instanceof RangeError)) {
      throw error;
    }
    throw unusable("no node secret key");
  }
}

function unusable(what: string): RegistrationError {
  return new RegistrationError(
    "bad_answer",
    `The control plane's answer cannot be used: it holds ${what} of use`,
  );
}
