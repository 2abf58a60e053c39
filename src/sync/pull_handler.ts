import type { Handler } from "./handler.ts";

/**
 * An event of dialect 1 whose payload is not read: it says that something has
 * changed, and a pull says what.
 *
 * @param pull Asks for a pull of the whole state, for the reason given.
 * @see docs/wire.md, section b.5
 */
export function pullHandler(pull: (reason: string) => void): Handler {
  return {
    handle(event) {
      pull(`event ${event.type}`);
      return Promise.resolve("applied");
    },
  };
}
