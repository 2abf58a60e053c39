import {
  busConfigSchema,
  natsServerConfig,
} from "../../src/wire/bus_config.ts";
import { checkShape, parseShape } from "../../src/wire/shape_error.ts";
import type { Dialect } from "../../src/wire/dialect.ts";
import type { StatusDocument } from "../../src/wire/status.ts";
import { eventsSchema } from "../../src/wire/transitions.ts";
import { NatsServer } from "../fakes/nats_server.ts";
import { eventually } from "./eventually.ts";
import { type AgentOptions, Stage } from "./stage.ts";

/** A stage whose control plane has a message bus. */
export class NatsStage implements AsyncDisposable {
  private constructor(readonly stage: Stage, readonly nats: NatsServer) {}

  /**
   * The bus is there, and a token is left, when this resolves.
   *
   * @param dialect In which the node joins.
   */
  static async open(
    dialect: Dialect,
    ...flags: string[]
  ): Promise<NatsStage> {
    const at = new NatsStage(await Stage.open(dialect), new NatsServer());
    await at.stage.startControlPlane(`--nats=${at.nats.url}`, ...flags);
    await at.startBus();
    await at.stage.leaveToken();
    return at;
  }

  /** With the configuration that the control plane gives. */
  async startBus(): Promise<void> {
    const answer = await this.stage.admin.call("GET", "/message-bus");
    const config = checkShape("message bus", busConfigSchema, answer);
    const { port, storeDir } = this.nats;
    const place = { listen: `127.0.0.1:${port}`, storeDir };
    await this.nats.start(natsServerConfig(config, place));
  }

  /** Starts the agent. @param transport as the setting has it */
  async startAgent(
    transport: "sse" | "nats" | "auto",
    options: AgentOptions = {},
  ): Promise<StatusDocument> {
    const env = { ...options.env, PLEXD_TRANSPORT: transport };
    const settings = { reconcile: { interval: "10m" }, ...options.settings };
    return await this.stage.startAgent({ ...options, settings, env });
  }

  /** Waits until the bus, or what takes its place, brings events. */
  async carriedBy(carrier: "sse" | "nats" | "pull"): Promise<StatusDocument> {
    return await this.stage.statusWhen(
      `events come by ${carrier}`,
      (status) => status.carrier?.active === carrier,
    );
  }

  /**
   * Sets a value upstream and waits until a workload reads it, which no pull
   * brings: they are minutes apart.
   */
  async delivers(value: string): Promise<void> {
    const { admin } = this.stage;
    const { node_id } = await this.stage.status();
    await admin.call("PUT", `/nodes/${node_id}/metadata/colour`, { value });
    await eventually(
      `"${value}" arrives`,
      async () =>
        (await this.stage.read("/v1/state")).includes(value) ? true : undefined,
    );
  }

  /** As {@linkcode transitionsOf} has them. */
  transitions(): Promise<string[]> {
    return transitionsOf(this.stage);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stage[Symbol.asyncDispose]();
    await this.nats[Symbol.asyncDispose]();
  }
}

/** The transitions so far, such as `connect nats`. */
export async function transitionsOf(stage: Stage): Promise<string[]> {
  const text = await stage.read("/v1/events");
  const { events } = parseShape("events", eventsSchema, text);
  return events.map(({ type, carrier }) =>
    carrier === undefined ? type : `${type} ${carrier}`
  );
}
