import type { Platform } from "../platform/platform.ts";
import { uuidV7 } from "../platform/random.ts";
import { ProblemError } from "./http/problem.ts";
import type { Domain, Rows } from "./storage/storage.ts";

/** The domain of tokens that name none. */
export const DEFAULT_DOMAIN = "default";

/** Domains get one network each: 10.42.0.0/16, 10.43.0.0/16, up to 10.255. */
const FIRST_NETWORK = 42;
const LAST_NETWORK = 255;

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
  const known = await rows.domains.byName(name);
  if (known) return known;
  const taken = new Set(
    (await rows.domains.all()).map((domain) => domain.meshCidr),
  );
  for (let network = FIRST_NETWORK; network <= LAST_NETWORK; network++) {
    const meshCidr = `10.${network}.0.0/16`;
    if (taken.has(meshCidr)) continue;
    const domain = { id: uuidV7(io.clock, io.random), name, meshCidr };
    await rows.domains.add(domain);
    return domain;
  }
  throw new ProblemError(503, "pool_exhausted", {
    detail: "No network is left for another domain",
  });
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
  const prefix = domain.meshCidr.split(".").slice(0, 2).join(".");
  // Neither the address of the network nor the one for all of it.
  for (let host = 1; host < 0xffff; host++) {
    const address = `${prefix}.${host >> 8}.${host & 0xff}`;
    if (!taken.has(address)) return address;
  }
  throw new ProblemError(503, "pool_exhausted", {
    detail: "No address is left in the domain",
  });
}
