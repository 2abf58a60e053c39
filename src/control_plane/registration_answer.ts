import { jsonAnswer } from "./http/answers.ts";
import { type Registered, welcome } from "./registration.ts";
import type { Services } from "./services.ts";
import { peersOf } from "./state_document.ts";

/** What a node of dialect 1 is told once it is registered. */
export async function registrationAnswer(
  services: Services,
  { node, nodeSecretKey }: Registered,
): Promise<Response> {
  const { keys, ...trust } = await welcome(services, node);
  const peers = await services.storage.read((rows) =>
    peersOf(rows, node, services.io.log)
  );
  return jsonAnswer({
    node_id: node.id,
    mesh_ip: node.meshIp,
    signing_public_key: keys.current,
    node_secret_key: nodeSecretKey,
    domain_id: node.domainId,
    peers,
    ...trust,
  }, 201);
}
