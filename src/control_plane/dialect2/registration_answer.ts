import { jsonAnswer } from "../http/answers.ts";
import { type Registered, welcome } from "../registration.ts";
import type { Services } from "../services.ts";
import { signingKeyId } from "../signing_keys.ts";
import { peers2 } from "./snapshot.ts";

/** What a node of dialect 2 is told once it is registered. */
export async function registrationAnswer2(
  services: Services,
  { node, nodeSecretKey }: Registered,
): Promise<Response> {
  const { keys, ...trust } = await welcome(services, node);
  const { peers, domain } = await services.storage.read(async (rows) => ({
    peers: await peers2(rows, node, services.io.log),
    domain: await rows.domains.byId(node.domainId),
  }));
  return jsonAnswer({
    node_id: node.id,
    mesh_ip: node.meshIp,
    signing_public_key: keys.current,
    signing_key_id: signingKeyId(keys.current),
    nsk: nodeSecretKey,
    peer_snapshot: peers,
    domain_mesh_cidr: domain?.meshCidr,
    domain_id: node.domainId,
    ...trust,
  }, 201);
}
