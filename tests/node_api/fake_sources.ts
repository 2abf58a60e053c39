import type {
  ApiPutCondition,
  ApiReports,
  ApiReportSync,
  ApiReportWrite,
  ApiSecrets,
  ApiSources,
  ApiStateView,
  Freshness,
  SecretRead,
} from "../../src/node_api/ports.ts";
import { ReportConflictError } from "../../src/store/store_errors.ts";
import { ControlError } from "../../src/uplink/control_error.ts";
import type { SecretResponse } from "../../src/wire/bodies.ts";
import { ChangeFeed } from "../../src/node_api/watch/change_feed.ts";
import { Watchers } from "../../src/node_api/watch/watchers.ts";
import type { DataEntry } from "../../src/wire/data_entry.ts";
import type { ReportSyncState } from "../../src/wire/report_sync.ts";
import type { DegradedReason, StatusDocument } from "../../src/wire/status.ts";
import type { EventsDocument } from "../../src/wire/transitions.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";

/** Reports in memory, with the rules of the store; `failures` come first. */
export class FakeReports implements ApiReports {
  view: { readonly entries: ReadonlyMap<string, DataEntry> } = {
    entries: new Map(),
  };
  readonly failures: Error[] = [];
  /** Writes wait for it. */
  gate: Promise<void> = Promise.resolve();

  get(key: string): DataEntry | undefined {
    return this.view.entries.get(key);
  }

  async put(
    key: string,
    content: { readonly contentType: string; readonly payload: string },
    { ifMatch, createOnly }: ApiPutCondition,
  ): Promise<DataEntry> {
    await this.gate;
    const failed = this.failures.shift();
    if (failed) throw failed;
    const current = this.view.entries.get(key)?.version ?? 0;
    if (createOnly && current > 0) {
      throw new ReportConflictError("exists", key, current);
    }
    if (ifMatch !== undefined && ifMatch !== current) {
      throw new ReportConflictError("version", key, current);
    }
    return this.add({ key, ...content, version: current + 1 });
  }

  async putAll(
    writes: readonly ApiReportWrite[],
  ): Promise<readonly DataEntry[]> {
    const before = this.view;
    try {
      const entries: DataEntry[] = [];
      for (const { key, content, condition } of writes) {
        entries.push(await this.put(key, content, condition));
      }
      return entries;
    } catch (error) {
      this.view = before;
      throw error;
    }
  }

  async delete(key: string): Promise<boolean> {
    await this.gate;
    const failed = this.failures.shift();
    if (failed) throw failed;
    const entries = new Map(this.view.entries);
    const existed = entries.delete(key);
    this.view = { entries };
    return existed;
  }

  /** Puts an entry in as it is. */
  add(entry: Omit<DataEntry, "updatedAt">): DataEntry {
    const stored = { ...entry, updatedAt: "2026-03-01T12:00:00Z" };
    this.view = { entries: new Map(this.view.entries).set(entry.key, stored) };
    return stored;
  }
}

/** A sync in which every report is `state`, until a waiter is told otherwise. */
export class FakeSync implements ApiReportSync {
  state: ReturnType<ApiReportSync["stateOf"]> = { state: "pending" };
  readonly waiting: {
    readonly key: string;
    readonly entry: DataEntry | undefined;
    readonly end: (state: ReportSyncState) => void;
  }[] = [];

  stateOf(): ReturnType<ApiReportSync["stateOf"]> {
    return this.state;
  }

  wait(
    key: string,
    entry: DataEntry | undefined,
    signal: AbortSignal,
  ): Promise<ReportSyncState> {
    if (this.state.state !== "pending") {
      return Promise.resolve(this.state.state);
    }
    const { promise, resolve } = Promise.withResolvers<ReportSyncState>();
    const waiter = {
      key,
      entry,
      end: (state: ReportSyncState) => {
        this.waiting.splice(this.waiting.indexOf(waiter), 1);
        resolve(state);
      },
    };
    this.waiting.push(waiter);
    signal.addEventListener("abort", () => waiter.end("pending"), {
      once: true,
    });
    return promise;
  }
}

/** A control plane that knows `answers`; `failures` come first. */
export class FakeSecrets implements ApiSecrets {
  key: Uint8Array = new Uint8Array();
  readonly answers = new Map<string, SecretResponse>();
  readonly failures: Error[] = [];
  readonly asked: string[] = [];
  /** Asking never ends but by the signal. */
  hangs = false;

  fetch(key: string, signal: AbortSignal): Promise<SecretResponse> {
    this.asked.push(key);
    if (this.hangs) {
      return new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), {
          once: true,
        });
      });
    }
    const failed = this.failures.shift();
    if (failed) return Promise.reject(failed);
    const answer = this.answers.get(key);
    return answer
      ? Promise.resolve(answer)
      : Promise.reject(new ControlError("not_found", "No such secret"));
  }
}

/** Everything the API serves, under the hands of a test. */
export class FakeSources implements ApiSources {
  readonly clock = new FakeClock();
  readonly changes = new ChangeFeed(this.clock, new FakeRandom());
  readonly watchers = new Watchers({
    feed: this.changes,
    most: 3,
    clock: this.clock,
  });
  readonly state: { view: ApiStateView } = { view: emptyState };
  readonly reports = new FakeReports();
  readonly sync = new FakeSync();
  readonly secrets = new FakeSecrets();
  /** Stands in for what refreshes credentials. */
  before: (signal: AbortSignal) => Promise<void> = () => Promise.resolve();
  readonly reads: SecretRead[] = [];
  fresh: Freshness = { stale: false };
  refused: DegradedReason | undefined;

  secretRead(read: SecretRead): void {
    this.reads.push(read);
  }

  beforeSecret(signal: AbortSignal): Promise<void> {
    return this.before(signal);
  }

  freshness(): Freshness {
    return this.fresh;
  }

  refusal(): DegradedReason | undefined {
    return this.refused;
  }

  status(): StatusDocument {
    return sampleStatus;
  }

  events(): EventsDocument {
    return sampleEvents;
  }
}

/** A data entry with the parts that a test does not care about filled in. */
export function dataEntry(
  key: string,
  rest: Partial<DataEntry> = {},
): DataEntry {
  return {
    key,
    contentType: "application/json",
    payload: "{}",
    version: 1,
    updatedAt: "2026-03-01T12:00:00Z",
    ...rest,
  };
}

export const emptyState: ApiStateView = {
  metadata: new Map(),
  data: new Map(),
  secretRefs: [],
};

export const sampleEvents: EventsDocument = {
  events: [
    { type: "start", at: "2026-03-01T12:00:00.000Z", reason: "plexd 0.1.0" },
    { type: "connect", at: "2026-03-01T12:00:01.000Z", carrier: "sse" },
  ],
  capacity: 256,
};

export const sampleStatus: StatusDocument = {
  version: "0.1.0",
  pid: 4711,
  started_at: "2026-03-01T12:00:00.000Z",
  cluster: "default",
  node_id: "node-1",
  mesh_ip: "10.0.0.1",
  control_plane: "http://127.0.0.1:8443",
  status: "ok",
  since: "2026-03-01T12:00:00.000Z",
  reasons: [],
  stale: false,
  verified_at: null,
  stream: {
    state: "streaming",
    since: "2026-03-01T12:00:00.000Z",
    down_since: null,
    next_try_at: null,
    last_error: null,
  },
  carrier: {
    active: "sse",
    transport: "auto",
    nats: {
      state: "waiting",
      since: "2026-03-01T12:00:00.000Z",
      next_try_at: "2026-03-01T12:01:00.000Z",
      last_error: "connection refused",
      refused: 1,
    },
  },
  carrier_credentials: {
    state: "valid",
    expires_at: "2026-03-01T12:15:00.000Z",
    last_refresh_at: "2026-03-01T12:00:00.000Z",
    next_refresh_at: "2026-03-01T12:14:30.000Z",
    last_error: null,
  },
  events: {
    applied: 0,
    repeated: 0,
    last_applied_at: null,
    by_type: {},
    rejected: {},
    unsigned: null,
  },
  pull: { last_success_at: null, last_error: null, next_at: null },
  state: {
    metadata: 0,
    data: 0,
    secrets: 0,
    reports: 0,
    epoch: null,
    version: null,
  },
  caches: { peers: 3, peers_observed: 0, routes: 4, services: 1 },
  signed_state: { snapshot: null, trust_bundle_version: null },
  sync: {
    pending: 0,
    local_only: 0,
    reports: {
      synced: 0,
      pending: 0,
      suspended: 0,
      refused: 0,
      local_only: 0,
    },
    last_success_at: null,
    last_error: null,
    next_try_at: null,
  },
  contact: {
    last_heartbeat_at: null,
    last_contact_at: null,
    heartbeat_error: null,
  },
  store: { recoveries: 0, last_recovery: null, restored: false },
  agent: {
    install_id: "install-1",
    last_stop: null,
    features: ["metrics"],
    last_diagnostics: null,
  },
  identity: {
    membership_id: "membership-1",
    domain_id: null,
    node_name: null,
    domain_name: null,
    enrollment: "enrolled",
    enrolled_at: "2026-03-01T11:00:00.000Z",
    seal_ref: "file:/etc/plexd/machine.key",
    client_certificate: null,
    revocations: 0,
  },
  resources: null,
  safe_until: null,
  updates: {
    current_since: null,
    pending: null,
    canary_group: null,
    rollback_version: null,
    last: null,
  },
  tasks: {
    actions_running: 0,
    results_unreported: 0,
    key_rotation: {
      last_at: null,
      pending_since: null,
      last_error: null,
      next_try_at: null,
    },
  },
  telemetry: { metrics: null, logs: null, audit: null },
  watchers: { open: 0, dropped: 0, refused: 0 },
};
