import * as z from "zod/mini";
import { parseRfc3339 } from "./rfc3339.ts";
import { ShapeError } from "./shape_error.ts";

/** A service that the control plane wants this node to run. */
export interface ServiceAssignment {
  readonly name: string;
  /** Roles of this node that bring it. */
  readonly roles: readonly string[];
  readonly version: string;
  /** Such as `running` or `stopped`. */
  readonly desiredState: string;
  /** Ids of policies that hold for it. */
  readonly policyRefs: readonly string[];
  /** Names of what it needs; never the things themselves. */
  readonly resourceRefs: readonly string[];
  /** Names of connectors that it may use. */
  readonly connectorRefs: readonly string[];
  /** RFC 3339 text; absent when it lasts until a state leaves it out. */
  readonly expiresAt?: string;
}

/** Services that one state may assign to a node. */
export const MAX_SERVICES = 1_000;

/** References of one kind that a service may have. */
export const MAX_REFS = 64;

/** Longest name, version or reference, in characters. */
export const LONGEST_SERVICE_TEXT = 255;

const word = z.string().check(
  z.minLength(1),
  z.maxLength(LONGEST_SERVICE_TEXT),
);
const words = z.nullish(z.array(word).check(z.maxLength(MAX_REFS)));

/** One member of `services` in a state document, or in the store's own file. */
export const serviceSchema = z.object({
  name: word,
  roles: words,
  version: z._default(z.string().check(z.maxLength(LONGEST_SERVICE_TEXT)), ""),
  desired_state: word,
  policy_refs: words,
  resource_refs: words,
  connector_refs: words,
  expires_at: z.nullish(z.string()),
});

/** The optional member `services` of a state document of either dialect. */
export const servicesSchema = z.nullish(
  z.array(serviceSchema).check(z.maxLength(MAX_SERVICES)),
);

/**
 * What a document's `services` says.
 *
 * @throws {ShapeError} when a name stands twice, or a time is none.
 * @see docs/wire.md, section j.1
 */
export function servicesFrom(
  services: readonly z.infer<typeof serviceSchema>[],
): ServiceAssignment[] {
  const names = new Set(services.map(({ name }) => name));
  if (names.size < services.length) {
    throw new ShapeError("Invalid services: a name stands twice");
  }
  return services.map((service) => ({
    name: service.name,
    roles: service.roles ?? [],
    version: service.version,
    desiredState: service.desired_state,
    policyRefs: service.policy_refs ?? [],
    resourceRefs: service.resource_refs ?? [],
    connectorRefs: service.connector_refs ?? [],
    ...(service.expires_at
      ? { expiresAt: checkedTime(service.expires_at) }
      : {}),
  }));
}

/** A service as documents and the store's own file carry it. */
export function serviceMembers(
  service: ServiceAssignment,
): z.infer<typeof serviceSchema> {
  return {
    name: service.name,
    roles: [...service.roles],
    version: service.version,
    desired_state: service.desiredState,
    policy_refs: [...service.policyRefs],
    resource_refs: [...service.resourceRefs],
    connector_refs: [...service.connectorRefs],
    expires_at: service.expiresAt ?? null,
  };
}

/** The services that hold at a time: those whose own time is not over. */
export function servicesAt(
  services: readonly ServiceAssignment[],
  nowMs: number,
): readonly ServiceAssignment[] {
  const isOver = ({ expiresAt }: ServiceAssignment) =>
    expiresAt !== undefined && (parseRfc3339(expiresAt)?.ms ?? 0) <= nowMs;
  return services.some(isOver)
    ? services.filter((service) => !isOver(service))
    : services;
}

function checkedTime(text: string): string {
  if (parseRfc3339(text)) return text;
  throw new ShapeError("Invalid services: expires_at is no time");
}
