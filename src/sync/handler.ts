import type { VerifiedEvent } from "../wire/envelope.ts";

/** What became of an event that a handler took. */
export type Effect = "applied" | "known";

/** Gives one type of event its effect. */
export interface Handler {
  /**
   * Nothing before or after this event may be under way at the same time: it
   * decides how the next one is verified.
   */
  readonly barrier?: boolean;
  /**
   * Resolves once the effect is durable, or to "known" when a pull was faster
   * and there was nothing to do. Called in the order of the stream; the
   * effects of several events may be under way at once.
   *
   * @throws {ShapeError} when the payload is not what the type asks for.
   * @throws {RefusedEventError} when it must not be applied.
   * @throws {StoreWriteError} when it could not be stored; it comes again then.
   */
  handle(event: VerifiedEvent): Promise<Effect>;
}
