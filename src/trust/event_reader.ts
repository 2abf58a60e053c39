import type { Dialect } from "../wire/dialect.ts";
import { parseEnvelope2 } from "../wire/dialect2/parse_envelope2.ts";
import type { VerifiedEvent } from "../wire/envelope.ts";
import { parseEnvelope } from "../wire/parse_envelope.ts";
import { EventVerifier, type EventVerifierOptions } from "./verify_event.ts";
import { EventVerifier2 } from "./verify_event2.ts";

/** Turns the data of stream messages into verified events. */
export interface EventReader {
  /** @throws {MalformedEnvelopeError | RejectedEventError} */
  read(data: string): VerifiedEvent;
  /** Lets an event come again whose effect could not be made durable. */
  release(event: VerifiedEvent): void;
}

/** The reader of a dialect's events. */
export function eventReader(
  dialect: Dialect,
  options: EventVerifierOptions,
): EventReader {
  if (dialect === 2) {
    const verifier = new EventVerifier2(options);
    return {
      read: (data) => verifier.verify(parseEnvelope2(data)),
      // Nothing about an event is remembered that could keep it from coming.
      release: () => {},
    };
  }
  const verifier = new EventVerifier(options);
  return {
    read: (data) => verifier.verify(parseEnvelope(data)),
    release: (event) => verifier.release(event),
  };
}
