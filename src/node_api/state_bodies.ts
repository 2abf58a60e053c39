import { isoTime } from "../platform/clock.ts";
import { type DataEntry, encodeDataEntry } from "../wire/data_entry.ts";
import type {
  ApiReports,
  ApiReportsView,
  ApiReportSync,
  ApiState,
  ApiStateView,
} from "./ports.ts";
import { freshnessMember, Representation } from "./representation.ts";

/**
 * The bodies of all reads, built on first use and kept as long as what they
 * show is current. Entries are told apart by identity: an update keeps the
 * objects of entries that did not change, and with them their bodies.
 *
 * @see docs/wire.md, section f.3
 */
export class StateBodies {
  readonly #state: ApiState;
  readonly #reports: ApiReports;
  readonly #entries = new WeakMap<DataEntry, Representation>();
  #ofState: StateLists | undefined;
  #ofReports: ReportLists | undefined;
  #summary: Summary | undefined;
  #full: Summary | undefined;

  constructor(state: ApiState, reports: ApiReports) {
    this.#state = state;
    this.#reports = reports;
  }

  summary(): Representation {
    const [state, reports] = [this.state(), this.reports()];
    if (this.#summary?.state !== state || this.#summary.reports !== reports) {
      this.#summary = { state, reports, body: summaryOf(state, reports) };
    }
    return this.#summary.body;
  }

  /** Everything but secret values, all of it of this moment. */
  full(): Representation {
    const [state, reports] = [this.state(), this.reports()];
    if (this.#full?.state !== state || this.#full.reports !== reports) {
      this.#full = { state, reports, body: fullOf(state, reports) };
    }
    return this.#full.body;
  }

  /** Lists and values of the current state. */
  state(): StateLists {
    const view = this.#state.view;
    if (view === this.#ofState?.view) return this.#ofState;
    return this.#ofState = new StateLists(view);
  }

  /** Lists of the current reports. */
  reports(): ReportLists {
    const view = this.#reports.view;
    if (view === this.#ofReports?.view) return this.#ofReports;
    return this.#ofReports = new ReportLists(view);
  }

  data(key: string): Representation | undefined {
    return this.#entry(this.#state.view.data.get(key));
  }

  report(key: string): Representation | undefined {
    return this.#entry(this.#reports.get(key));
  }

  #entry(entry: DataEntry | undefined): Representation | undefined {
    if (!entry) return undefined;
    let body = this.#entries.get(entry);
    if (!body) {
      body = new Representation(encodeDataEntry(entry));
      this.#entries.set(entry, body);
    }
    return body;
  }
}

interface Summary {
  readonly state: StateLists;
  readonly reports: ReportLists;
  readonly body: Representation;
}

/** What is served of one state as a whole. */
export class StateLists {
  readonly #values = new Map<string, Representation>();
  #metadata: Representation | undefined;
  #data: Representation | undefined;
  #secrets: Representation | undefined;

  constructor(readonly view: ApiStateView) {}

  metadata(): Representation {
    return this.#metadata ??= new Representation(metadataOf(this.view));
  }

  metadataValue(key: string): Representation | undefined {
    const value = this.view.metadata.get(key);
    if (value === undefined) return undefined;
    let body = this.#values.get(key);
    if (!body) {
      body = new Representation(JSON.stringify({ key, value }));
      this.#values.set(key, body);
    }
    return body;
  }

  data(): Representation {
    return this.#data ??= new Representation(dataOf(this.view));
  }

  secrets(): Representation {
    return this.#secrets ??= new Representation(secretsOf(this.view));
  }
}

/** What is served of one set of reports as a whole. */
export class ReportLists {
  #list: Representation | undefined;

  constructor(readonly view: ApiReportsView) {}

  list(): Representation {
    return this.#list ??= new Representation(reportsOf(this.view));
  }

  /** Built anew each time, as a report's way upstream is no part of the view. */
  listWithSync(stateOf: ApiReportSync["stateOf"]): Representation {
    const entries = [...this.view.entries.values()].sort(byKey);
    return new Representation(JSON.stringify(entries.map((entry) => {
      const { state, atMs, error } = stateOf(entry);
      return {
        ...nameAndVersion(entry),
        sync: {
          state,
          at: atMs === undefined ? null : isoTime(atMs),
          ...(error === undefined ? {} : { error }),
        },
      };
    })));
  }
}

function summaryOf(state: StateLists, reports: ReportLists): Representation {
  return new Representation(
    `{"metadata":${metadataOf(state.view)}` +
      `,"data_keys":${dataOf(state.view)}` +
      `,"secret_keys":${secretsOf(state.view)}` +
      `,"report_keys":${reportsOf(reports.view)}}`,
  );
}

function fullOf(
  { view }: StateLists,
  reports: ReportLists,
): Representation {
  return new Representation(
    `{"metadata":${metadataOf(view)}` +
      `,"data":${entriesOf(view.data)}` +
      `,"secret_keys":${secretsOf(view)}` +
      `,"reports":${entriesOf(reports.view.entries)}` +
      `,"position":${positionOf(view)}`,
    (mark) => `,"freshness":${freshnessMember(mark)}}`,
  );
}

function entriesOf(entries: ReadonlyMap<string, DataEntry>): string {
  const sorted = [...entries.values()].sort(byKey);
  return `[${sorted.map(encodeDataEntry).join(",")}]`;
}

function positionOf({ position }: ApiStateView): string {
  if (!position) return "null";
  const { epoch, version } = position;
  return JSON.stringify({ epoch, version });
}

/** Written by hand: an object literal would reorder keys such as "1". */
function metadataOf(view: ApiStateView): string {
  const members = [...view.metadata].map(([key, value]) => ({ key, value }))
    .sort(byKey)
    .map(({ key, value }) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
  return `{${members.join(",")}}`;
}

function dataOf(view: ApiStateView): string {
  const entries = [...view.data.values()].sort(byKey);
  return JSON.stringify(entries.map(({ key, version, contentType }) => ({
    key,
    version,
    content_type: contentType,
  })));
}

function secretsOf(view: ApiStateView): string {
  return JSON.stringify(view.secretRefs.toSorted(byKey).map(nameAndVersion));
}

function reportsOf(view: ApiReportsView): string {
  const entries = [...view.entries.values()].sort(byKey);
  return JSON.stringify(entries.map(nameAndVersion));
}

interface Keyed {
  readonly key: string;
}

function byKey(a: Keyed, b: Keyed): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

function nameAndVersion(
  { key, version }: Keyed & { readonly version: number },
) {
  return { key, version };
}
