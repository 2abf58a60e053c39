import type { Carrier } from "../wire/transitions.ts";

/** One message with an event, whatever has carried it. */
export interface CarriedMessage {
  /** Where the event stream goes on after it; empty when that does not move. */
  readonly id: string;
  /** The text of the signed envelope. */
  readonly data: string;
  /** @default {"sse"} */
  readonly carrier?: Exclude<Carrier, "pull">;
  /** The carrier itself says that it has brought it before. @default {false} */
  readonly redelivered?: boolean;
}

/**
 * What became of a message:
 *
 * - `taken`: its effect is durable, or was before;
 * - `refused`: it was not applied, and never will be;
 * - `failed`: its effect could not be stored, so it has to come again.
 */
export type Delivery = "taken" | "refused" | "failed";

/** Takes the messages of a carrier, one after the other. */
export interface MessageSink {
  /**
   * Resolves when the next message may come. Rejecting means that this message
   * has to come again: it ends an event stream.
   *
   * @param settled Hears what became of the message, at most once, and never
   * before that is durable.
   */
  accept(
    message: CarriedMessage,
    settled?: (delivery: Delivery) => void,
  ): Promise<void>;
}
