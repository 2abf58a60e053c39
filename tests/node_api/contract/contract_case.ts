import { nodeSecretToKey } from "../../../src/wire/node_secret.ts";
import { vectors } from "../../vectors/load.ts";
import { dataEntry, FakeSources, sampleStatus } from "../fake_sources.ts";
import type { RawRequest } from "../raw_http.ts";

/** Where a request comes in. */
export const LISTENERS = ["api.sock", "secrets.sock", "TCP"] as const;

export type ListenerName = typeof LISTENERS[number];

/** What is answered. */
export interface Expected {
  readonly status: number;
  /** Every byte of the body, or what it looks like. */
  readonly body: string | RegExp;
  /** Fields of the header; null for one that must not be there. */
  readonly headers?: Readonly<Record<string, string | RegExp | null>>;
}

/** One request, and what it is answered wherever it comes in. */
export interface ContractCase {
  /** What it is about, beside its method and target. */
  readonly what?: string;
  /** Changes the node before. */
  readonly given?: (sources: FakeSources) => void;
  readonly target: string;
  readonly request?: RawRequest;
  readonly expected: Expected;
  /** Answers that differ from listener to listener. */
  readonly on?: Readonly<Partial<Record<ListenerName, Expected>>>;
}

const [secret] = vectors.secrets_dialect1;

/** A node with one of each, confirmed a moment ago. */
export function givenNode(): FakeSources {
  const sources = new FakeSources();
  sources.state.view = {
    metadata: new Map([["region", "eu"], ["env", "<prod>"]]),
    data: new Map([
      ["b", dataEntry("b", { payload: '{ "z":1.0, "a":1E+05 }', version: 7 })],
      ["a/é", dataEntry("a/é", { contentType: "text/plain", payload: '"x"' })],
    ]),
    secretRefs: [
      { key: "zebra", version: 2 },
      { key: "db-password", version: 3 },
    ],
    position: { epoch: 1, version: 9 },
  };
  sources.reports.add({
    key: "health",
    contentType: "application/json",
    payload: '{"ok":true}',
    version: 3,
  });
  sources.secrets.key = nodeSecretToKey(secret!.nsk);
  sources.secrets.answers.set("db-password", secret!.response);
  sources.fresh = {
    stale: false,
    verifiedAtMs: Date.parse("2026-03-01T11:59:00Z"),
  };
  sources.sync.state = { state: "synced", atMs: 1_772_366_400_000 };
  sources.status = () => ({
    ...sampleStatus,
    verified_at: "2026-03-01T11:59:00.000Z",
  });
  return sources;
}
