import assert from "node:assert/strict";
import {
  busProblem,
  carrierRows,
  lostBus,
} from "../../src/cli/carrier_rows.ts";
import type { StatusDocument } from "../../src/wire/status.ts";

type Carriers = Pick<StatusDocument, "carrier" | "carrier_credentials">;

const times = {
  ago: (time: string | null) => `${time} ago`,
  until: (time: string | null) => time === null ? "" : `, next try at ${time}`,
  left: (time: string) => time === "T0" ? undefined : `until ${time}`,
};
const NATS = {
  state: "feeding",
  since: "T1",
  next_try_at: null,
  last_error: null,
  refused: 0,
};
const CREDENTIALS = {
  state: "fresh",
  expires_at: "T9",
  last_refresh_at: "T1",
  next_refresh_at: "T8",
  last_error: null,
};
const linesOf = (status: Carriers) =>
  carrierRows(status, times).map(([name, text]) => `${name}: ${text}`);

Deno.test("carrierRows() says nothing where no bus is wanted, or an agent knows of none", () => {
  assert.deepEqual(linesOf({}), []);
  const carrier = { active: "sse", transport: "sse" } as const;
  assert.deepEqual(linesOf({ carrier, carrier_credentials: null }), []);
});

Deno.test("carrierRows() tells what brings events, and how long the login is good", () => {
  assert.deepEqual(
    linesOf({
      carrier: { active: "nats", transport: "auto", nats: NATS },
      carrier_credentials: CREDENTIALS,
    }),
    [
      "Message bus: brings events, since T1 ago",
      "Bus login: good for until T9, refreshed T1 ago",
    ],
  );
  assert.deepEqual(
    linesOf({
      carrier: { active: "sse", transport: "auto", nats: NATS },
      carrier_credentials: { ...CREDENTIALS, expires_at: "T0" },
    }).at(-1),
    "Bus login: expired T0 ago, refreshed T1 ago",
  );
});

Deno.test("carrierRows() tells why the bus is not used, and what takes its place", () => {
  const nats = {
    ...NATS,
    state: "waiting",
    next_try_at: "T5",
    last_error: "it is away",
    refused: 3,
  };
  assert.deepEqual(
    linesOf({
      carrier: { active: "pull", transport: "nats", nats },
      carrier_credentials: {
        ...CREDENTIALS,
        state: "no_bus",
        expires_at: null,
        last_error: "501",
      },
    }),
    [
      "Message bus: not in use (waiting), events come by pulls, " +
      "next try at T5; transport is nats; last error: it is away; 3 refused",
      "Bus login: no bus; last error: 501",
    ],
  );
});

Deno.test("busProblem() finds one only where the bus was asked for by name", () => {
  const nats = { ...NATS, state: "without" };
  const of = (transport: "auto" | "nats", state: string): Carriers => ({
    carrier: { active: "sse", transport, nats },
    carrier_credentials: { ...CREDENTIALS, state, last_error: "why" },
  });
  assert.equal(busProblem(of("auto", "no_bus")), undefined);
  assert.equal(
    busProblem({ carrier: { active: "nats", transport: "nats", nats: NATS } }),
    undefined,
  );
  const missing = busProblem(of("nats", "no_bus"));
  assert.match(missing?.sentence ?? "", /do not \(why\)/);
  assert.match(missing?.advice ?? "", /auto or sse/);
  const waiting = busProblem(of("nats", "retrying"));
  assert.match(waiting?.advice ?? "", /nothing yet/);
});

Deno.test("a bus that was lost a moment ago is named, and why", () => {
  const lost = (last_error: string | null): Carriers => ({
    carrier: {
      active: null,
      transport: "auto",
      nats: { ...NATS, state: "lost", last_error },
    },
    carrier_credentials: null,
  });
  const sentenceOf = (status: Carriers) => lostBus(status, times.ago)?.sentence;
  assert.equal(
    sentenceOf(lost("it is gone")),
    "The message bus was lost T1 ago (it is gone), and is tried again at once.",
  );
  assert.match(sentenceOf(lost(null)) ?? "", /is being made anew/);
  assert.deepEqual(linesOf(lost("it is gone")), [
    "Message bus: lost T1 ago, and tried again at once; last error: it is gone",
  ]);
  const fed: Carriers = {
    carrier: { active: "nats", transport: "auto", nats: NATS },
  };
  assert.equal(sentenceOf(fed), undefined);
  assert.equal(sentenceOf({}), undefined);
});
