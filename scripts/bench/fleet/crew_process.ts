import type { Process, Workshop } from "../workshop.ts";
import type { Order, Orders } from "./orders.ts";

/** Tells the process that plays the fleet what to do. */
export class Crew {
  readonly #process: Process;
  readonly #client: Deno.HttpClient;

  private constructor(process: Process, client: Deno.HttpClient) {
    this.#process = process;
    this.#client = client;
  }

  static async start(workshop: Workshop): Promise<Crew> {
    const socket = workshop.newPath("crew.sock");
    const process = workshop.start("scripts/bench/fleet/crew.ts", [socket]);
    await process.until(() => exists(socket));
    const client = Deno.createHttpClient({
      proxy: { transport: "unix", path: socket },
    });
    return new Crew(process, client);
  }

  /** @throws {Error} with what went wrong there. */
  async tell<Name extends keyof Orders>(
    name: Name,
    details: Parameters<Orders[Name]>[0],
  ): Promise<Awaited<ReturnType<Orders[Name]>>> {
    const order = { name, with: details } as Order;
    const answer = await fetch("http://crew/", {
      client: this.#client,
      method: "POST",
      body: JSON.stringify(order),
    });
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(`${name}: ${text}`);
    return JSON.parse(text);
  }

  async stop(): Promise<void> {
    this.#client.close();
    await this.#process.stop();
  }
}

function exists(path: string): Promise<boolean> {
  return Deno.stat(path).then(() => true, () => false);
}
