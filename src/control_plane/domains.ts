import type { Platform } from "../platform/platform.ts";
import { uuidV7 } from "../platform/random.ts";
import { ProblemError } from "./http/problem.ts";
import {
  freeHost,
  type MeshNetwork,
  overlap,
  parseNetwork,
} from "./mesh_network.ts";
import type { Domain, Rows } from "./storage/storage.ts";

/** The domain of tokens that name none. */
export const DEFAULT_DOMAIN = "default";

/** Unless one is asked for: 10.42.0.0/16, 10.43.0.0/16, up to 10.255. */
const NETWORKS = Array.from(
  { length: 256 - 42 },
  (_, at) => `10.${42 + at}.0.0/16`,
);

/** Names of domains are those of hosts. */
export const DOMAIN_NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * The domain of that name; made when it is not there yet.
 *
 * @throws {ProblemError} 503 "pool_exhausted"
 */
export async function ensureDomain(
  rows: Rows,
  name: string,
  io: Platform,
): Promise<Domain> {
  return await rows.domains.byName(name) ?? await addDomain(rows, { name }, io);
}

/**
 * Makes a domain, with a network of its own: two domains never meet, not even
 * in their addresses.
 *
 * @throws {ProblemError} 409 "domain_exists" or "mesh_cidr_taken", 400
 * "invalid_mesh_cidr", 503 "pool_exhausted".
 */
export async function addDomain(
  rows: Rows,
  { name, meshCidr }: { readonly name: string; readonly meshCidr?: string },
  io: Platform,
): Promise<Domain> {
  if (await rows.domains.byName(name)) {
    throw new ProblemError(409, "domain_exists");
  }
  const taken = (await rows.domains.all()).map((domain) => networkOf(domain));
  const isFree = (cidr: string) => {
    const network = parseNetwork(cidr);
    return network !== undefined &&
      !taken.some((other) => overlap(network, other));
  };
  if (meshCidr !== undefined && !parseNetwork(meshCidr)) {
    throw new ProblemError(400, "invalid_mesh_cidr", {
      detail: "A mesh network is such as 10.42.0.0/16, of 8 to 30 bits",
    });
  }
  if (meshCidr !== undefined && !isFree(meshCidr)) {
    throw new ProblemError(409, "mesh_cidr_taken", {
      detail: "Another domain has addresses of this network",
    });
  }
  const cidr = meshCidr ?? NETWORKS.find(isFree);
  if (cidr === undefined) {
    throw new ProblemError(503, "pool_exhausted", {
      detail: "No network is left for another domain",
    });
  }
  const id = uuidV7(io.clock, io.random);
  const domain = { id, name, meshCidr: cidr };
  await rows.domains.add(domain);
  return domain;
}

function networkOf({ meshCidr }: Domain): MeshNetwork {
  const network = parseNetwork(meshCidr);
  if (network) return network;
  throw new TypeError("A stored mesh network is none");
}

/**
 * The domain that an admin call is about: `?domain=NAME`, or the default one.
 *
 * @throws {ProblemError} 404 "domain_not_found"
 */
export async function domainOf(rows: Rows, request: Request): Promise<Domain> {
  const { searchParams } = new URL(request.url);
  const name = searchParams.get("domain") ?? DEFAULT_DOMAIN;
  const domain = await rows.domains.byName(name);
  if (domain) return domain;
  throw new ProblemError(404, "domain_not_found");
}

/**
 * The lowest free address of a domain.
 *
 * @throws {ProblemError} 503 "pool_exhausted"
 */
export async function freeAddress(rows: Rows, domain: Domain): Promise<string> {
  const taken = new Set(await rows.nodes.meshIps(domain.id));
  const address = freeHost(networkOf(domain), taken);
  if (address !== undefined) return address;
  throw new ProblemError(503, "pool_exhausted", {
    detail: "No address is left in the domain",
  });
}
