import { plexdCommand } from "../../tests/cli/run_plexd.ts";
import { AdminClient } from "../../src/cli/admin_client.ts";
import { runInTerminal } from "./terminal.ts";
import { WRONG_CONFIGURATION } from "./scenes.ts";

/** Longest wait for something that happens within seconds. */
const LIMIT_MS = 60_000;

/** A folder, and a control plane and an agent that keep everything in it. */
export class World {
  readonly config: string;
  #controlPlane: Deno.ChildProcess | undefined;
  #agent: Deno.ChildProcess | undefined;

  constructor(readonly folder: string) {
    this.config = `${folder}/plexd.yaml`;
  }

  /** Only the folder, and a configuration that leads nowhere else. */
  async prepare(): Promise<void> {
    await Deno.mkdir(this.folder, { mode: 0o700 });
    await this.#write("nothing.yaml", this.#settings(`${this.folder}/nothing`));
    await this.#write("wrong.yaml", WRONG_CONFIGURATION);
  }

  /** Starts both, and sets what there is to see. */
  async start(): Promise<void> {
    const data = `${this.folder}/control-plane`;
    this.#controlPlane = this.#spawn([
      "control-plane",
      "--listen",
      "127.0.0.1:0",
      "--data-dir",
      data,
    ], "control-plane.log");
    const log = await this.#until(async () =>
      /http:\/\/127\.0\.0\.1:\d+/.exec(await this.#read("control-plane.log"))
    );
    const token = () => Deno.readTextFile(`${data}/admin-token`);
    const admin = new AdminClient(log[0], async () => (await token()).trim());
    const made = await admin.call("POST", "/tokens", { ttl: "10m" });
    await this.#write("token", (made as { token: string }).token);
    await this.#write("plexd.yaml", {
      ...this.#settings(),
      api: { base_url: log[0] },
    });
    this.#agent = this.#spawn(["up", "--config", this.config], "agent.log");
    const { node_id: node } = await this.#until(() => this.#status());
    const at = `/nodes/${node}`;
    await admin.call("PUT", `${at}/metadata/region`, { value: "eu-1" });
    await admin.call("PUT", `${at}/metadata/rack`, { value: "r7" });
    await admin.call("PUT", `${at}/data/motd`, {
      content_type: "text/plain",
      payload: "hello",
    });
    await admin.call("PUT", `${at}/secrets/db-password`, { value: "hunter2" });
    await this.#until(async () =>
      (await this.#status())?.state.secrets === 1 || undefined
    );
  }

  /** Stops the control plane, and waits until the agent has noticed. */
  async leaveAlone(): Promise<void> {
    await end(this.#controlPlane);
    this.#controlPlane = undefined;
    await this.#until(async () => {
      const status = await this.#status();
      return status && status.stream.state !== "streaming" ? status : undefined;
    });
  }

  async stop(): Promise<void> {
    await end(this.#agent);
    await end(this.#controlPlane);
    this.#agent = this.#controlPlane = undefined;
  }

  async remove(): Promise<void> {
    await this.stop();
    await Deno.remove(this.folder, { recursive: true });
  }

  #settings(folder = this.folder) {
    return {
      data_dir: `${folder}/data`,
      seal: { key_file: `${folder}/machine.key` },
      registration: { token_file: `${folder}/token` },
      node_api: {
        socket_path: `${folder}/api.sock`,
        secrets_socket_path: `${folder}/secrets.sock`,
        group: "",
        secrets_group: "",
      },
    };
  }

  async #write(name: string, content: unknown) {
    const text = typeof content === "string"
      ? content
      : JSON.stringify(content, null, 2);
    await Deno.writeTextFile(`${this.folder}/${name}`, `${text}\n`, {
      mode: 0o600,
    });
  }

  async #read(name: string): Promise<string> {
    return await Deno.readTextFile(`${this.folder}/${name}`);
  }

  #spawn(args: readonly string[], log: string): Deno.ChildProcess {
    const program = plexdCommand(args).map((word) => `'${word}'`).join(" ");
    return new Deno.Command("sh", {
      args: ["-c", `exec ${program} > '${this.folder}/${log}' 2>&1`],
      stdin: "null",
    }).spawn();
  }

  async #status() {
    const { code, screen } = await runInTerminal(
      plexdCommand(["status", "--output", "json", "--config", this.config]),
      { columns: 80, env: { NO_COLOR: "1" } },
    );
    return code === 0 ? JSON.parse(screen) : undefined;
  }

  async #until<T>(look: () => Promise<T | null | undefined>): Promise<T> {
    const began = performance.now();
    while (performance.now() - began < LIMIT_MS) {
      const found = await look().catch(() => undefined);
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    throw new Error(`Nothing happened within ${LIMIT_MS / 1000} s`);
  }
}

async function end(process: Deno.ChildProcess | undefined): Promise<void> {
  if (!process) return;
  process.kill("SIGTERM");
  await process.status;
}
