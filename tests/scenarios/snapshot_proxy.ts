import { SNAPSHOT_MEDIA_TYPE } from "../../src/wire/signed_snapshot.ts";
import { Forwarder } from "./forwarder.ts";

/** The answer to a pull. */
export interface StateAnswer {
  readonly text: string;
  /** @default that of a signed snapshot */
  readonly contentType?: string;
}

/** Stands between agent and control plane, and changes the answers to pulls. */
export class SnapshotProxy extends Forwarder {
  /** Signed snapshots that the control plane has answered, oldest first. */
  readonly seen: string[] = [];
  /** Says what a pull is answered instead; undefined passes it on. */
  forge: (genuine: string) => StateAnswer | undefined = () => undefined;

  /** @param target Says where the control plane is, for each request anew. */
  constructor(target: () => string) {
    super(target, async ({ headers }, read) => {
      if (headers.get("content-type") !== SNAPSHOT_MEDIA_TYPE) return undefined;
      const genuine = await read();
      if (this.seen.at(-1) !== genuine) this.seen.push(genuine);
      const forged = this.forge(genuine);
      if (forged?.contentType) headers.set("content-type", forged.contentType);
      return forged?.text ?? genuine;
    });
  }
}
