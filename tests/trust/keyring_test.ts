import assert from "node:assert/strict";
import {
  Keyring,
  type KeyringState,
  RefusedKeysError,
} from "../../src/trust/keyring.ts";
import { importSigningKey } from "../../src/trust/signing_key.ts";
import type { SigningKeys } from "../../src/wire/signing_keys.ts";
import { VECTORS_NOW_MS as NOW } from "../vectors/load.ts";
import { publicKeyOf, type SignerName, signWith } from "./signers.ts";

const [A, B, C] = (["A", "B", "C"] as const).map(publicKeyOf) as [
  string,
  string,
  string,
];
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const fingerprintOf = (key: string) => importSigningKey(key)!.fingerprint;
const after = (ms: number) => new Date(NOW + ms).toISOString();

function stateOf(fields: Partial<KeyringState> = {}): KeyringState {
  return { current: A, retired: [], signedChange: false, ...fields };
}

function kindOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof RefusedKeysError) return error.kind;
    throw error;
  }
  return "accepted";
}

function signer(keyring: Keyring, name: SignerName, nowMs = NOW) {
  const message = new TextEncoder().encode("event");
  return keyring.signerOf(message, signWith(name, message), nowMs);
}

/** A rotation from A to B with an hour of transition, as the agent applies it. */
function rotated(fields: Partial<SigningKeys> = {}): Keyring {
  const keyring = new Keyring(stateOf());
  const keys = { current: B, previous: A, transitionExpires: after(HOUR) };
  keyring.replace(
    keyring.planSignedChange({ ...keys, ...fields }, "current", NOW),
  );
  return keyring;
}

Deno.test("signerOf() names the key, and the previous one only in its time", () => {
  const keyring = rotated();
  assert.equal(signer(keyring, "B"), "current");
  assert.equal(signer(keyring, "A"), "previous");
  assert.equal(signer(keyring, "A", NOW + HOUR - 1), "previous");
  assert.equal(signer(keyring, "A", NOW + HOUR), undefined);
  assert.equal(signer(keyring, "C"), undefined);
});

Deno.test("signerOf() never takes a previous key without an end", () => {
  const keyring = new Keyring(stateOf({ previous: B }));
  assert.equal(signer(keyring, "B"), undefined);
});

Deno.test("planSignedChange() retires the key it replaces and changes nothing yet", () => {
  const keyring = new Keyring(stateOf());
  const next = keyring.planSignedChange(
    { current: B, previous: A, transitionExpires: after(HOUR) },
    "current",
    NOW,
  );
  assert.deepEqual(next, {
    current: B,
    previous: A,
    transitionExpiresMs: NOW + HOUR,
    retired: [fingerprintOf(A)],
    signedChange: true,
  });
  assert.deepEqual(keyring.state, stateOf());
  assert.equal(signer(keyring, "B"), undefined);
});

Deno.test("planSignedChange() caps a transition at 24 hours", () => {
  const keyring = rotated({ transitionExpires: after(30 * DAY) });
  assert.equal(keyring.state.transitionExpiresMs, NOW + DAY);
});

Deno.test("planSignedChange() does not extend a transition that is announced again", () => {
  const keyring = rotated({ transitionExpires: after(30 * DAY) });
  const again = keyring.planSignedChange(
    { current: B, previous: A, transitionExpires: after(30 * DAY) },
    "current",
    NOW + DAY - 1,
  );
  assert.equal(again, keyring.state);
});

Deno.test("planSignedChange() can end a transition early", () => {
  const keyring = rotated();
  keyring.replace(keyring.planSignedChange({ current: B }, "current", NOW));
  assert.equal(signer(keyring, "A"), undefined);
  assert.equal(signer(keyring, "B"), "current");
});

const noGrace = [
  { when: "no end is given", keys: { current: B, previous: A } },
  {
    when: "its end has passed",
    keys: { current: B, previous: A, transitionExpires: after(0) },
  },
  {
    when: "it is the new key itself",
    keys: { current: B, previous: B, transitionExpires: after(HOUR) },
  },
];
for (const { when, keys } of noGrace) {
  Deno.test(`planSignedChange() keeps no previous key when ${when}`, () => {
    const next = new Keyring(stateOf()).planSignedChange(keys, "current", NOW);
    assert.equal(next.previous, undefined);
    assert.deepEqual(next.retired, [fingerprintOf(A)]);
  });
}

Deno.test("planSignedChange() gives a transition without a named key to the one in use", () => {
  const keyring = rotated();
  const keys = { current: C, transitionExpires: after(HOUR) };
  const next = keyring.planSignedChange(keys, "current", NOW);
  assert.equal(next.previous, B);
});

Deno.test("planSignedChange() drops a previous key that was retired earlier", () => {
  const keyring = rotated();
  const keys = { current: C, previous: A, transitionExpires: after(HOUR) };
  const next = keyring.planSignedChange(keys, "current", NOW);
  assert.equal(next.current, C);
  assert.equal(next.previous, undefined);
});

Deno.test("planSignedChange() refuses a change signed by the previous key", () => {
  const keyring = rotated();
  const plan = () => keyring.planSignedChange({ current: C }, "previous", NOW);
  assert.equal(kindOf(plan), "not_current");
  const end = () => keyring.planSignedChange({ current: B }, "previous", NOW);
  assert.equal(kindOf(end), "not_current");
});

Deno.test("planSignedChange() takes a rotation delivered again as no change", () => {
  const keyring = rotated();
  const again = { current: B, previous: A, transitionExpires: after(HOUR) };
  const plan = keyring.planSignedChange(again, "previous", NOW + 1_000);
  assert.equal(plan, keyring.state);
});

Deno.test("planSignedChange() never adopts a retired key again", () => {
  const keyring = rotated();
  const back = () => keyring.planSignedChange({ current: A }, "current", NOW);
  assert.equal(kindOf(back), "retired");
  keyring.replace(keyring.planSignedChange({ current: C }, "current", NOW));
  for (const current of [A, B]) {
    const plan = () => keyring.planSignedChange({ current }, "current", NOW);
    assert.equal(kindOf(plan), "retired");
  }
});

const short = new Uint8Array(31).toBase64();
const badKeys: { what: string; keys: SigningKeys }[] = [
  { what: "an empty current key", keys: { current: "" } },
  { what: "a short current key", keys: { current: short } },
  { what: "a short previous key", keys: { current: B, previous: short } },
  {
    what: "an unreadable end",
    keys: { current: B, transitionExpires: "soon" },
  },
];
for (const { what, keys } of badKeys) {
  Deno.test(`planSignedChange() and planPullChange() refuse ${what}`, () => {
    const keyring = new Keyring(stateOf());
    const signed = () => keyring.planSignedChange(keys, "current", NOW);
    const pulled = () => keyring.planPullChange(keys, { allowed: true }, NOW);
    assert.equal(kindOf(signed), "bad_key");
    assert.equal(kindOf(pulled), "bad_key");
    assert.equal(signer(keyring, "A"), "current");
  });
}

Deno.test("planPullChange() adopts keys while nothing signed has changed any", () => {
  const keyring = new Keyring(stateOf());
  const keys = { current: B, previous: A, transitionExpires: after(HOUR) };
  assert.deepEqual(keyring.planPullChange(keys, { allowed: true }, NOW), {
    current: B,
    previous: A,
    transitionExpiresMs: NOW + HOUR,
    retired: [fingerprintOf(A)],
    signedChange: false,
  });
});

Deno.test("planPullChange() adopts a previous key that the node never had", () => {
  const keyring = new Keyring(stateOf());
  const keys = { current: A, previous: B, transitionExpires: after(HOUR) };
  const next = keyring.planPullChange(keys, { allowed: true }, NOW);
  assert(next !== "unchanged");
  keyring.replace(next);
  assert.equal(signer(keyring, "B"), "previous");
  const back = () => keyring.planSignedChange({ current: B }, "current", NOW);
  assert.equal(kindOf(back), "retired");
});

const unchanged: { what: string; keys: SigningKeys }[] = [
  { what: "the current key alone", keys: { current: B } },
  { what: "a previous key without end", keys: { current: B, previous: C } },
  {
    what: "a transition that was capped",
    keys: { current: B, previous: A, transitionExpires: after(30 * DAY) },
  },
];
for (const { what, keys } of unchanged) {
  for (const allowed of [true, false]) {
    Deno.test(`planPullChange() sees no change in ${what}, allowed ${allowed}`, () => {
      const plan = rotated().planPullChange(keys, { allowed }, NOW);
      assert.equal(plan, "unchanged");
    });
  }
}

Deno.test("planPullChange() refuses a change once a signed event made one", () => {
  const plan = () =>
    rotated().planPullChange({ current: C }, { allowed: true }, NOW);
  assert.equal(kindOf(plan), "unconfirmed");
});

Deno.test("planPullChange() refuses a change that is not allowed", () => {
  const keyring = new Keyring(stateOf());
  const plan = () =>
    keyring.planPullChange({ current: B }, { allowed: false }, NOW);
  assert.equal(kindOf(plan), "unconfirmed");
});

Deno.test("planPullChange() refuses a retired key", () => {
  const plan = () =>
    rotated().planPullChange({ current: A }, { allowed: true }, NOW);
  assert.equal(kindOf(plan), "retired");
});

Deno.test("a keyring made from stored state goes on where it was", () => {
  const stored: unknown = JSON.parse(JSON.stringify(rotated().state));
  assert.deepEqual(stored, rotated().state);
  const keyring = new Keyring(rotated().state);
  assert.equal(signer(keyring, "A"), "previous");
  const back = () => keyring.planSignedChange({ current: A }, "current", NOW);
  assert.equal(kindOf(back), "retired");
});

Deno.test("new Keyring() and replace() refuse a state with a bad key", () => {
  assert.equal(
    kindOf(() => new Keyring(stateOf({ current: short }))),
    "bad_key",
  );
  const keyring = new Keyring(stateOf());
  const bad = stateOf({ current: B, previous: "!" });
  assert.equal(kindOf(() => keyring.replace(bad)), "bad_key");
  assert.equal(signer(keyring, "A"), "current");
  assert.deepEqual(keyring.state, stateOf());
});

/** What dialect 2 announces: names, and the new key only. */
function named(fields: Partial<SigningKeys> = {}): SigningKeys {
  return {
    current: B,
    currentId: "k2",
    previousId: "k1",
    transitionExpires: after(HOUR),
    ...fields,
  };
}

Deno.test("keyCalled() knows the current key always, the previous one for a time", () => {
  const keyring = new Keyring(stateOf({
    currentId: "k2",
    previous: B,
    previousId: "k1",
    transitionExpiresMs: NOW + HOUR,
  }));
  assert.equal(keyring.keyCalled("k2", NOW), "current");
  assert.equal(keyring.keyCalled("k1", NOW), "previous");
  assert.equal(keyring.keyCalled("k1", NOW + HOUR), undefined);
  assert.equal(keyring.keyCalled("k3", NOW), undefined);
  assert.equal(keyring.keyCalled("", NOW), undefined);
});

Deno.test("keyCalled() finds no nameless key by an empty name", () => {
  assert.equal(new Keyring(stateOf()).keyCalled("", NOW), undefined);
});

Deno.test("a named rotation keeps the key it retires, under its name", () => {
  const keyring = new Keyring(stateOf({ currentId: "k1" }));
  const next = keyring.planSignedChange(named(), "current", NOW);
  assert.deepEqual(next, {
    current: B,
    currentId: "k2",
    previous: A,
    previousId: "k1",
    transitionExpiresMs: NOW + HOUR,
    retired: [fingerprintOf(A)],
    signedChange: true,
  });
  keyring.replace(next);
  assert.equal(keyring.keyCalled("k1", NOW), "previous");
});

for (
  const [what, fields] of [
    ["is not held", { previousId: "k0" }],
    ["has no end", { transitionExpires: undefined }],
    ["is not named", { previousId: undefined }],
  ] as const
) {
  Deno.test(`a named rotation keeps no previous key that ${what}`, () => {
    const keyring = new Keyring(stateOf({ currentId: "k1" }));
    const keys = Object.fromEntries(
      Object.entries(named({ ...fields } as Partial<SigningKeys>))
        .filter(([, value]) => value !== undefined),
    ) as unknown as SigningKeys;
    const next = keyring.planSignedChange(keys, "current", NOW);
    assert.equal(next.previous, undefined);
    assert.equal(next.previousId, undefined);
    assert.equal(next.currentId, "k2");
  });
}

Deno.test("a named rotation that comes again changes nothing", () => {
  const keyring = new Keyring(stateOf({ currentId: "k1" }));
  keyring.replace(keyring.planSignedChange(named(), "current", NOW));
  const again = keyring.planSignedChange(named(), "previous", NOW + 1);
  assert.equal(again, keyring.state);
});

Deno.test("a named rotation to a bad key changes nothing", () => {
  const keyring = new Keyring(stateOf({ currentId: "k1" }));
  const kind = kindOf(() =>
    keyring.planSignedChange(named({ current: "AAAA" }), "current", NOW)
  );
  assert.equal(kind, "bad_key");
  assert.equal(keyring.state.current, A);
});
