import { joinControlPlane } from "../agent/join.ts";
import { asCommandError } from "./agent_failure.ts";
import { EXIT, type Invocation } from "./command.ts";
import { plain } from "./output/text_width.ts";
import { readStdin } from "./read_stdin.ts";

/** A token has at most 512 bytes; white space around it does not count. */
const MAX_TOKEN_BYTES = 4_096;

/** `plexd join`: makes this node a member and exits, whoever does it. */
export async function join(invocation: Invocation): Promise<number> {
  const { flags, print, stop, version } = invocation;
  const config = flags["--token-file"] === "-"
    ? { ...await invocation.config(), ...await tokenFromStdin() }
    : await invocation.config();
  const io = invocation.platform(config);
  try {
    const { identity, joined } = await invocation.progress(
      "Joining",
      () =>
        joinControlPlane({
          config,
          io,
          version,
          stop,
          force: flags["--force"] === true,
        }),
    );
    if (!joined) invocation.complain("plexd: this node has joined already");
    print(plain(`node_id: ${identity.nodeId}`));
    print(plain(`mesh_ip: ${identity.meshIp}`));
  } catch (error) {
    throw asCommandError(error, config);
  }
  return EXIT.fine;
}

async function tokenFromStdin() {
  return { "registration.token_value": await readStdin(MAX_TOKEN_BYTES) };
}
