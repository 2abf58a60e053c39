import type { SecretRead } from "./ports.ts";
import { decodeSegment } from "./request_target.ts";
import type { Call, Route } from "./router.ts";

/** Longest name that is told; no secret has a longer one. */
const LONGEST_KEY = 1024;

/**
 * The same routes of secrets; `heard` is told of every read and of every try,
 * with its outcome and never with a value.
 *
 * @param listener Where the requests come in: a socket's path or an address.
 */
export function audited(
  routes: readonly Route[],
  listener: string,
  heard: (read: SecretRead) => void,
): Route[] {
  return routes.map(([path, methods]) => {
    const get = async (call: Call) => {
      const key = nameIn(call.segment);
      const tell = (status: number) =>
        heard({
          key: key.slice(0, LONGEST_KEY).toWellFormed(),
          listener,
          status,
        });
      try {
        const answer = await methods.GET(call);
        tell(answer.status);
        return answer;
      } catch (error) {
        tell(500);
        throw error;
      }
    };
    return [path, { ...methods, GET: get }];
  });
}

/**
 * The name that was asked for, as one that every control plane can store. What
 * holds control characters names no secret and stays encoded: one record that
 * is refused costs all of its batch, and whoever reads secrets could erase the
 * trail of it.
 */
function nameIn(segment: string): string {
  const name = decodeSegment(segment);
  return name === undefined || /\p{Cc}/u.test(name) ? segment : name;
}
