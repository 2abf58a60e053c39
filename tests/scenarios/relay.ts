import { Forwarder } from "./forwarder.ts";

/** What the relay does with one answer: it may be cut short. */
export type Verdict = "pass" | "cut";

/** What a registration gave, in either dialect. */
export interface Registered {
  readonly node_id: string;
  /** Text of the node's key. */
  readonly secret: string;
}

/** Stands between agent and control plane, and may lose a registration's answer. */
export class Relay extends Forwarder {
  /** What the control plane answered to registrations, passed on or not. */
  readonly registerAnswers: Registered[] = [];
  /** Decides about each answer to a registration, before the agent sees it. */
  onRegistered: () => Verdict | Promise<Verdict> = () => "pass";

  /** @param target Says where the control plane is, for each request anew. */
  constructor(target: () => string) {
    super(target, async ({ pathname, ok }, read) => {
      if (pathname !== "/v1/register" || !ok) return undefined;
      const text = await read();
      const { node_id, node_secret_key, nsk } = JSON.parse(text);
      this.registerAnswers.push({ node_id, secret: node_secret_key ?? nsk });
      const isCut = await this.onRegistered() === "cut";
      return isCut ? text.slice(0, text.length / 2) : text;
    });
  }
}
