import type { StatusDocument } from "../wire/status.ts";
import type { Problem } from "./problem.ts";

/** How times are said. */
export interface CarrierTimes {
  ago(time: string | null): string;
  /** Such as `, next try in 3s`; empty for none. */
  until(time: string | null): string;
  /** How long something is good still, such as `33s`; undefined when it is over. */
  left(time: string): string | undefined;
}

/** Rows of `plexd status` on the message bus; none where none is wanted. */
export function carrierRows(
  { carrier, carrier_credentials: credentials }: Pick<
    StatusDocument,
    "carrier" | "carrier_credentials"
  >,
  { ago, until, left }: CarrierTimes,
): [string, string][] {
  if (!carrier?.nats) return [];
  const { nats, transport } = carrier;
  const without = transport === "nats" ? "; transport is nats" : "";
  const bus = nats.state === "feeding"
    ? `brings events, since ${ago(nats.since)}`
    : nats.state === "lost"
    ? `lost ${ago(nats.since)}, and tried again at once` +
      (nats.last_error ? `; last error: ${nats.last_error}` : "")
    : `not in use (${nats.state.replaceAll("_", " ")}), events come ${
      carrier.active === "sse" ? "by the stream" : "by pulls"
    }${until(nats.next_try_at)}${without}` +
      (nats.last_error ? `; last error: ${nats.last_error}` : "");
  const refused = nats.refused > 0 ? `; ${nats.refused} refused` : "";
  const rows: [string, string][] = [["Message bus", bus + refused]];
  const lifeText = (expiresAt: string) => {
    const life = left(expiresAt);
    return life === undefined
      ? `expired ${ago(expiresAt)}`
      : `good for ${life}`;
  };
  if (credentials) {
    const { state, expires_at, last_refresh_at, last_error } = credentials;
    rows.push([
      "Bus login",
      (expires_at === null
        ? state.replaceAll("_", " ")
        : `${lifeText(expires_at)}, refreshed ${ago(last_refresh_at)}`) +
      (last_error ? `; last error: ${last_error}` : ""),
    ]);
  }
  return rows;
}

/**
 * What there is to say of a bus that brought events until a moment ago, while
 * nothing brings them; undefined at all other times.
 */
export function lostBus(
  { carrier }: Pick<StatusDocument, "carrier">,
  ago: (time: string) => string,
): Problem | undefined {
  const nats = carrier?.nats;
  if (nats?.state !== "lost") return undefined;
  return {
    reason: "bus_lost",
    // Without an error it was left, as for fresh credentials.
    sentence: nats.last_error === null
      ? "The connection to the message bus is being made anew."
      : `The message bus was lost ${ago(nats.since)} (${nats.last_error}), ` +
        "and is tried again at once.",
    advice: "nothing yet: within 5 s the event stream takes its place, and " +
      "brings what was missed",
  };
}

/** Why an agent that is to use the bus does not; undefined when it does. */
export function busProblem(
  { carrier, carrier_credentials: credentials }: Pick<
    StatusDocument,
    "carrier" | "carrier_credentials"
  >,
): Problem | undefined {
  const nats = carrier?.nats;
  if (!nats || nats.state === "feeding" || carrier.transport !== "nats") {
    return undefined;
  }
  const why = nats.last_error ?? credentials?.last_error;
  return {
    reason: "bus_unused",
    sentence: "Events are to come by the message bus, but do not" +
      (why ? ` (${why})` : "") + ".",
    advice: credentials?.state === "no_bus"
      ? "this control plane has no message bus: set transport to auto or sse"
      : "nothing yet: the event stream or pulls take its place meanwhile",
  };
}
