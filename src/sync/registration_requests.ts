import { createHash } from "node:crypto";
import type { PendingRegistration } from "../store/identity.ts";
import type { RegisterRequest, RegisterResponse } from "../wire/bodies.ts";
import type {
  RegisterRequest2,
  RegisterResponse2,
} from "../wire/dialect2/bodies.ts";
import {
  announcedTrustIn,
  namesIn,
  type RegistrationAnswer,
} from "./registration_answer.ts";
import type { Resource } from "./registration_dialect.ts";

/** Where this node is registered. */
export interface RegistrationUplink {
  register(
    bootstrapToken: string,
    request: RegisterRequest,
    signal: AbortSignal,
  ): Promise<RegisterResponse>;
  /** In dialect 2, which sends no bearer: the token is in the request only. */
  register2(
    request: RegisterRequest2,
    signal: AbortSignal,
  ): Promise<RegisterResponse2>;
}

/** Asks once; a failure is a `ControlError`. */
export type AskToRegister = (
  signal: AbortSignal,
) => Promise<RegistrationAnswer>;

/** How a node registers in dialect 1. @see docs/wire.md, section a.4 */
export function askInDialect1(
  uplink: RegistrationUplink,
  token: string,
  pending: PendingRegistration,
  about: {
    readonly hostname: string;
    readonly metadata?: Readonly<Record<string, string>>;
  },
): AskToRegister {
  const { hostname, metadata = {} } = about;
  const request: RegisterRequest = {
    token,
    public_key: pending.publicKey,
    hostname,
    ...(Object.keys(metadata).length > 0 ? { metadata: { ...metadata } } : {}),
  };
  return async (signal) => {
    const answer = await uplink.register(token, request, signal);
    return {
      nodeId: answer.node_id,
      meshIp: answer.mesh_ip,
      ...(answer.domain_id === undefined ? {} : { domainId: answer.domain_id }),
      nodeSecretKey: answer.node_secret_key,
      signingPublicKey: answer.signing_public_key,
      announced: announcedTrustIn(answer),
      ...(answer.heartbeat_agent ? { heartbeatAgent: true } : {}),
      ...namesIn(answer),
    };
  };
}

/** How a node registers in dialect 2. @see docs/wire.md, sections h.1 and h.3 */
export function askInDialect2(
  uplink: RegistrationUplink,
  token: string,
  pending: PendingRegistration,
  resource: Resource,
): AskToRegister {
  const { projectId, resourceHandle, requestedResourceId } = resource;
  const request: RegisterRequest2 = {
    project_id: projectId,
    resource_handle: resourceHandle,
    bootstrap_token: token,
    nonce: nonceOf(pending.nonceSeed, token),
    public_key: pending.publicKey,
    ...(requestedResourceId === undefined
      ? {}
      : { requested_resource_id: requestedResourceId }),
  };
  return async (signal) => {
    const answer = await uplink.register2(request, signal);
    return {
      nodeId: answer.node_id,
      meshIp: answer.mesh_ip,
      ...(answer.domain_id === undefined ? {} : { domainId: answer.domain_id }),
      nodeSecretKey: answer.nsk,
      signingPublicKey: answer.signing_public_key,
      announced: announcedTrustIn(answer),
      ...(answer.heartbeat_agent ? { heartbeatAgent: true } : {}),
      ...namesIn(answer),
      signingKeyId: answer.signing_key_id,
    };
  };
}

/**
 * The nonce of one logical registration: the same however often that is tried,
 * and another one with another token, since a control plane refuses a nonce
 * that it has recorded.
 */
function nonceOf(seed: string, token: string): string {
  return createHash("sha256").update(`${seed}\n${token}`).digest("hex")
    .slice(0, 32);
}
