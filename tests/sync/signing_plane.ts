import { Degraded } from "../../src/sync/degraded.ts";
import { Reconciler } from "../../src/sync/reconciler.ts";
import { PulledKeys } from "../../src/sync/pulled_keys.ts";
import { SnapshotLifetime } from "../../src/sync/snapshot_lifetime.ts";
import {
  StateSource,
  type StateSourceOptions,
} from "../../src/sync/state_source.ts";
import { TrustBundles } from "../../src/sync/trust_bundles.ts";
import { restoreState } from "../../src/agent/restore_state.ts";
import type { Membership } from "../../src/store/membership.ts";
import { Keyring } from "../../src/trust/keyring.ts";
import type { PulledAnswer } from "../../src/uplink/state_pulls.ts";
import { encodeBase64 } from "../../src/wire/base64.ts";
import { contentParser } from "../../src/wire/content_parser.ts";
import {
  encodeSnapshot,
  type SignedSnapshot,
} from "../../src/wire/signed_snapshot.ts";
import type { StatePosition } from "../../src/wire/state.ts";
import {
  type TrustBundle,
  trustBundleSignedText,
} from "../../src/wire/trust_bundle.ts";
import type { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { publicKeyOf, type SignerName, signWith } from "../trust/signers.ts";
import { signedSnapshot } from "../trust/snapshots.ts";

/** The state document that has one metadata entry. */
export function contentOf(value: string): string {
  return `{"metadata":{"a":${JSON.stringify(value)}},"data":[]` +
    `,"policies":[],"secret_refs":[]}`;
}

/** The text of a trust bundle, signed by `root`. */
export function bundleText(
  fields: Partial<Omit<TrustBundle, "signature" | "signedText">>,
  root: SignerName = "C",
): string {
  const text = trustBundleSignedText({
    version: 1,
    roots: [publicKeyOf("C")],
    signingKeys: [publicKeyOf("A")],
    revokedKeyIds: [],
    issuedAt: "2026-03-01T12:00:00Z",
    ...fields,
  });
  const signature = encodeBase64(
    signWith(root, new TextEncoder().encode(text)),
  );
  return `${
    text.slice(text.indexOf("\n") + 1, -1)
  },"signature":"${signature}"}`;
}

/** A node on a real store, and a control plane that answers as a test says. */
export class SigningPlane {
  readonly log = new MemoryLog();
  readonly degraded: Degraded;
  readonly keyring: Keyring;
  readonly lifetime: SnapshotLifetime;
  readonly bundles: TrustBundles;
  readonly source: StateSource;
  readonly reconciler: Reconciler;
  readonly pulls: string[] = [];
  /** What pulls said was applied. */
  readonly applied: (StatePosition | undefined)[] = [];
  answer: PulledAnswer = { kind: "signed", text: "" };
  bundle = bundleText({});
  bundleFetches = 0;

  private constructor(
    readonly store: Membership,
    readonly clock: FakeClock,
    active: Awaited<ReturnType<typeof restoreState>>,
    more: Partial<StateSourceOptions>,
  ) {
    const io = { clock, random: new FakeRandom(), log: this.log };
    this.degraded = new Degraded(clock, this.log);
    this.keyring = new Keyring(
      store.trust.load() ??
        { current: publicKeyOf("A"), retired: [], signedChange: false },
    );
    this.lifetime = new SnapshotLifetime({
      ...(active ? { active } : {}),
      pull: (reason) => this.pulls.push(reason),
      degraded: this.degraded,
      io,
    });
    this.bundles = new TrustBundles({
      store: store.trustBundle,
      keyring: this.keyring,
      keys: store.trust,
      fetch: () => {
        this.bundleFetches++;
        return Promise.resolve(this.bundle);
      },
      ...io,
    });
    this.source = new StateSource({
      uplink: {
        pullState: (applied) => {
          this.applied.push(
            applied && { epoch: applied.epoch, version: applied.version },
          );
          return Promise.resolve(this.answer);
        },
      },
      snapshots: store.snapshots,
      marks: store.marks,
      granted: store.granted,
      keyring: this.keyring,
      bundles: this.bundles,
      lifetime: this.lifetime,
      nodeId: "n_1",
      dialect: 1,
      parse: contentParser(1),
      degraded: this.degraded,
      io,
      ...more,
    });
    this.reconciler = new Reconciler({
      uplink: {
        fetchState: (signal) => this.source.fetchState(signal),
        reportDrift: () => Promise.resolve(),
      },
      state: store.state,
      keys: new PulledKeys({
        keyring: this.keyring,
        store: store.trust,
        allowed: true,
        degraded: this.degraded,
        clock,
      }),
      nodeId: "n_1",
      io,
    });
  }

  /** Starts as the agent does: from what the store holds. */
  static async start(
    store: Membership,
    clock: FakeClock,
    more: Partial<StateSourceOptions> = {},
  ): Promise<SigningPlane> {
    const io = { clock, random: new FakeRandom(), log: new MemoryLog() };
    const identity = { nodeId: "n_1", dialect: 1 } as const;
    const active = await restoreState(store, identity, io);
    return new SigningPlane(store, clock, active, more);
  }

  /** The next pull brings this snapshot. */
  sends(fields: Partial<SignedSnapshot>, signer: SignerName = "A"): void {
    const text = encodeSnapshot(signedSnapshot(fields, signer));
    this.answer = { kind: "signed", text };
  }

  pull(): Promise<void> {
    return this.reconciler.pullNow(new AbortController().signal);
  }

  /** The value of the one metadata entry. */
  get served(): string | undefined {
    return this.store.state.view.metadata.get("a");
  }

  get reasons(): string[] {
    return this.degraded.list().map(({ reason }) => reason);
  }
}
