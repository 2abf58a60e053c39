/**
 * The local API, request by request: the tables of the document "Local Node
 * API", of docs/wire.md, section f, and of the design, section 10.
 */
import { StoreWriteError } from "../../../src/store/store_errors.ts";
import { ControlError } from "../../../src/uplink/control_error.ts";
import { sampleStatus } from "../fake_sources.ts";
import type { ContractCase, Expected } from "./contract_case.ts";

const JSON_TYPE = { "content-type": "application/json" };

/** What each answer to a read carries. */
const FRESH = {
  etag: /^W\/"[A-Za-z0-9_-]{16}"$/,
  "x-plexd-verified-at": "2026-03-01T11:59:00.000Z",
  "x-plexd-stale": null,
};

const READ = { ...JSON_TYPE, ...FRESH, "cache-control": null };

const NO_STORE = { ...JSON_TYPE, "cache-control": "no-store", etag: null };

function error(status: number, text: string, members = ""): Expected {
  return {
    status,
    body: `{"error":"${text}"${members}}\n`,
    headers: JSON_TYPE,
  };
}

const NOT_FOUND = error(404, "not found");
const INVALID_KEY = error(400, "invalid report key");

const BODIES: readonly (readonly [target: string, json: string])[] = [
  [
    "/v1/state",
    '{"metadata":{"env":"<prod>","region":"eu"},"data_keys":[' +
    '{"key":"a/é","version":1,"content_type":"text/plain"},' +
    '{"key":"b","version":7,"content_type":"application/json"}],' +
    '"secret_keys":[{"key":"db-password","version":3},' +
    '{"key":"zebra","version":2}],' +
    '"report_keys":[{"key":"health","version":3}]}',
  ],
  [
    "/v1/state?full=true",
    '{"metadata":{"env":"<prod>","region":"eu"},"data":[' +
    '{"key":"a/é","content_type":"text/plain","payload":"x","version":1,' +
    '"updated_at":"2026-03-01T12:00:00Z"},' +
    '{"key":"b","content_type":"application/json",' +
    '"payload":{ "z":1.0, "a":1E+05 },"version":7,' +
    '"updated_at":"2026-03-01T12:00:00Z"}],' +
    '"secret_keys":[{"key":"db-password","version":3},' +
    '{"key":"zebra","version":2}],' +
    '"reports":[{"key":"health","content_type":"application/json",' +
    '"payload":{"ok":true},"version":3,' +
    '"updated_at":"2026-03-01T12:00:00Z"}],' +
    '"position":{"epoch":1,"version":9},"freshness":' +
    '{"verified_at":"2026-03-01T11:59:00.000Z","stale":false}}',
  ],
  ["/v1/state/metadata", '{"env":"<prod>","region":"eu"}'],
  ["/v1/state/metadata/region", '{"key":"region","value":"eu"}'],
  ["/v1/state/metadata/r%65gion", '{"key":"region","value":"eu"}'],
  [
    "/v1/state/data",
    '[{"key":"a/é","version":1,"content_type":"text/plain"},' +
    '{"key":"b","version":7,"content_type":"application/json"}]',
  ],
  [
    "/v1/state/data/b",
    '{"key":"b","content_type":"application/json",' +
    '"payload":{ "z":1.0, "a":1E+05 },"version":7,' +
    '"updated_at":"2026-03-01T12:00:00Z"}',
  ],
  [
    "/v1/state/data/a%2F%C3%A9?whatever",
    '{"key":"a/é","content_type":"text/plain","payload":"x","version":1,' +
    '"updated_at":"2026-03-01T12:00:00Z"}',
  ],
  [
    "/v1/state/secrets",
    '[{"key":"db-password","version":3},{"key":"zebra","version":2}]',
  ],
  ["/v1/state/report", '[{"key":"health","version":3}]'],
  [
    "/v1/state/report?sync=true",
    '[{"key":"health","version":3,"sync":{"state":"synced",' +
    '"at":"2026-03-01T12:00:00.000Z"}}]',
  ],
  [
    "/v1/state/report/health",
    '{"key":"health","content_type":"application/json",' +
    '"payload":{"ok":true},"version":3,' +
    '"updated_at":"2026-03-01T12:00:00Z"}',
  ],
];

const reads = BODIES.flatMap(([target, json]): ContractCase[] => [
  { target, expected: { status: 200, body: json + "\n", headers: READ } },
  {
    what: "whose tag holds",
    target,
    request: { headers: { "If-None-Match": "*" } },
    expected: { status: 304, body: "", headers: FRESH },
  },
  {
    what: "whose tag does not hold",
    target,
    request: { headers: { "If-None-Match": '"other", W/"another"' } },
    expected: { status: 200, body: json + "\n", headers: READ },
  },
]);

const special: readonly ContractCase[] = [
  {
    what: "while stale, and never verified",
    given: (sources) => sources.fresh = { stale: true },
    target: "/v1/state/metadata/region",
    expected: {
      status: 200,
      body: '{"key":"region","value":"eu"}\n',
      headers: {
        ...READ,
        "x-plexd-verified-at": null,
        "x-plexd-stale": "true",
      },
    },
  },
  {
    target: "/v1/state?full=yes",
    expected: error(400, "full must be true or false"),
  },
  {
    target: "/v1/state?full=true&full=true",
    expected: error(400, "full must be given once"),
  },
  {
    target: "/v1/state/report?sync=1",
    expected: error(400, "sync must be true or false"),
  },
  {
    target: "/v1/state/report?sync=true&sync=false",
    expected: error(400, "sync must be given once"),
  },
];

/** All reads of state, as far as an expired snapshot forbids them. */
const OF_STATE = [
  "/v1/state",
  "/v1/state?full=true",
  "/v1/state/metadata",
  "/v1/state/metadata/region",
  "/v1/state/data",
  "/v1/state/data/b",
  "/v1/state/secrets",
  "/v1/watch",
];

const refused = OF_STATE.map((target): ContractCase => ({
  what: "when an expired snapshot must not be served",
  given: (sources) => sources.refused = "snapshot_expired",
  target,
  expected: {
    ...error(503, "state unavailable", ',"reason":"snapshot_expired"'),
    headers: NO_STORE,
  },
}));

const WITHHELD = {
  ...error(403, "forbidden: insufficient privileges for secret access"),
  headers: NO_STORE,
};

const unenrolled = [...OF_STATE, "/v1/state/secrets/db-password"].map(
  (target): ContractCase => ({
    what: "before the node has joined",
    given: (sources) => {
      sources.refused = "not_enrolled";
      Object.assign(sources, { secrets: undefined });
    },
    target,
    expected: {
      ...error(503, "not enrolled", ',"reason":"not_enrolled"'),
      headers: NO_STORE,
    },
    ...(target.endsWith("/db-password")
      ? { on: { "api.sock": WITHHELD } }
      : {}),
  }),
);

const unknown = [
  "/",
  "/v1",
  "/v2/state",
  "/v1/state/",
  "/v1//state",
  "//v1/state",
  "/v1/state/metadata/",
  "/v1/state/metadata/missing",
  "/v1/state/metadata/region/",
  "/v1/state/metadata/a/b",
  "/v1/state/metadata/%zz",
  "/v1/state/metadata/%ff",
  "/v1/state/data/missing",
  "/v1/state/data/.",
  "/v1/state/data/..",
  "/v1/state/data/%2e",
  "/v1/state/data/%2e%2e",
  "/v1/state/data/../data",
  "/v1/state/%2e%2e/state",
  "/v1/state/./data",
  "/v1/state/metadata/../data",
  "/v1/state/data/b/",
  "/v1/state/report/",
  "/v1/state/report/.",
  "/v1/state/report/..",
  "/v1/state/report/missing",
  "/v1/state/constructor",
  "/v1/state/data/toString",
  "/V1/state",
  "/v1%2fstate",
  "/v1/status/",
  "/healthz/",
  "/metrics/",
  "/openapi.json/",
].map((target): ContractCase => ({ target, expected: NOT_FOUND }));

/** Forms of a target that are no path of this server. */
const odd = [
  ["http://localhost//v1/state", 404, "not found"],
  ["http://localhost/v1/%2e%2e/v1/state", 404, "not found"],
  ["http://localhost", 404, "not found"],
  ["http://evil.example/v1/state", 400, "malformed host"],
].map(([target, status, text]): ContractCase => ({
  target: String(target),
  expected: error(Number(status), String(text)),
  on: { TCP: error(400, "malformed request target") },
}));

const ALLOW: readonly (readonly [targets: readonly string[], allow: string])[] =
  [
    [
      [
        ...OF_STATE,
        "/v1/state/secrets/db-password",
        "/v1/status",
        "/v1/events",
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
      ],
      "GET, HEAD",
    ],
    [["/v1/state/report"], "GET, HEAD, PUT"],
    [["/v1/state/report/health"], "DELETE, GET, HEAD, PUT"],
  ];

const wrongMethods = ALLOW.flatMap(([targets, allow]) =>
  targets.flatMap((target) =>
    ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "FOO"]
      .filter((method) => !allow.split(", ").includes(method))
      .map((method): ContractCase => ({
        target,
        request: { method },
        expected: {
          ...error(405, "method not allowed"),
          headers: { ...JSON_TYPE, allow },
        },
      }))
  )
);

const GOOD = '{"content_type":"a/b","payload":[1.0]}';

const invalidKeys = [
  "%2e",
  "%2E%2e",
  "a%2Fb",
  "a%5Cb",
  "a%00b",
  "%zz",
  "%ff",
  "%ed%a0%80",
  "a".repeat(256),
  "%C3%A9".repeat(128),
].flatMap((key) =>
  ["GET", "PUT", "DELETE"].map((method): ContractCase => ({
    target: `/v1/state/report/${key}`,
    request: { method, ...(method === "PUT" ? { body: GOOD } : {}) },
    expected: INVALID_KEY,
  }))
);

function put(
  target: string,
  body: string,
  expected: Expected,
  rest: Omit<ContractCase, "target" | "expected" | "request"> & {
    readonly headers?: Readonly<Record<string, string>>;
  } = {},
): ContractCase {
  const { headers = {}, ...more } = rest;
  const request = { method: "PUT", headers, body };
  return { target, request, expected, ...more };
}

function remove(
  target: string,
  expected: Expected,
  rest: Omit<ContractCase, "target" | "expected" | "request"> = {},
): ContractCase {
  return { target, request: { method: "DELETE" }, expected, ...rest };
}

/** What a write without conditions or waiting is answered. */
function written(status: number, key: string, version: number): Expected {
  return {
    status,
    body: `{"key":"${key}","content_type":"a/b","payload":[1.0],` +
      `"version":${version},"updated_at":"2026-03-01T12:00:00Z"}\n`,
    headers: { ...JSON_TYPE, etag: null, "x-plexd-sync": null },
  };
}

const HEALTH = "/v1/state/report/health";
const NEW = "/v1/state/report/new";

/** A PUT body of exactly so many bytes. */
function bodyOf(size: number): string {
  const [head, tail] = ['{"content_type":"a/b","payload":"', '"}'];
  return head + "x".repeat(size - head.length - tail.length) + tail;
}

const MIB = 1_048_576;
const full = new StoreWriteError(
  "report",
  Object.assign(new Error("No space left on device"), { code: "ENOSPC" }),
);

const writes: readonly ContractCase[] = [
  put(NEW, GOOD, written(200, "new", 1)),
  put(HEALTH, GOOD, written(200, "health", 4)),
  put(HEALTH, GOOD, written(200, "health", 4), {
    headers: { "If-Match": "3" },
  }),
  put(HEALTH, GOOD, error(409, "version conflict"), {
    headers: { "If-Match": "2" },
  }),
  put(HEALTH, GOOD, error(400, "If-Match must be an integer"), {
    headers: { "If-Match": '"3"' },
  }),
  put(NEW, GOOD, written(200, "new", 1), {
    headers: { "If-None-Match": "*" },
  }),
  put(HEALTH, GOOD, error(412, "already exists"), {
    headers: { "If-None-Match": "*" },
  }),
  put(NEW, GOOD, error(400, "If-None-Match must be *"), {
    headers: { "If-None-Match": 'W/"x"' },
  }),
  put(NEW, GOOD, written(200, "new", 1), {
    what: "of a media type that is not looked at",
    headers: { "Content-Type": "text/html" },
  }),
  put(NEW, "{", error(400, "invalid JSON body")),
  put(NEW, "", error(400, "invalid JSON body")),
  put(NEW, '{"payload":1}', error(400, "content_type is required")),
  put(NEW, '{"content_type":"a/b"}', error(400, "payload must be valid JSON")),
  put(NEW, bodyOf(MIB - 1), { status: 200, body: /"version":1/ }, {
    what: "of a byte less than the most",
  }),
  put(NEW, bodyOf(MIB), { status: 200, body: /"version":1/ }, {
    what: "of the most",
  }),
  put(NEW, bodyOf(MIB + 1), error(413, "body too large"), {
    what: "of a byte more than the most",
  }),
  put("/v1/state/report/plexd.health", GOOD, INVALID_KEY),
  put(NEW, GOOD, error(507, "disk full"), {
    what: "on a full disk",
    given: (sources) => sources.reports.failures.push(full),
  }),
  put(NEW, GOOD, error(500, "internal error"), {
    what: "that fails",
    given: (sources) => sources.reports.failures.push(new Error("broken")),
  }),
  put(`${NEW}?wait=synced`, GOOD, {
    ...written(200, "new", 1),
    headers: { "x-plexd-sync": "synced" },
  }),
  put(`${NEW}?wait=synced&timeout=2s`, GOOD, {
    ...written(202, "new", 1),
    headers: { "x-plexd-sync": "refused" },
  }, { given: (sources) => sources.sync.state = { state: "refused" } }),
  remove(HEALTH, { status: 204, body: "" }),
  remove(NEW, NOT_FOUND),
  remove("/v1/state/report/plexd.health", INVALID_KEY),
  remove(HEALTH, error(507, "disk full"), {
    what: "on a full disk",
    given: (sources) => sources.reports.failures.push(full),
  }),
  remove(`${HEALTH}?wait=synced`, {
    status: 204,
    body: "",
    headers: { "x-plexd-sync": "synced" },
  }),
  remove(`${HEALTH}?wait=synced`, {
    status: 202,
    body: "",
    headers: { "x-plexd-sync": "suspended" },
  }, { given: (sources) => sources.sync.state = { state: "suspended" } }),
];

const BATCH = '{"reports":[{"key":"new","content_type":"a/b","payload":1},' +
  '{"key":"health","content_type":"a/b","payload":2,"if_match":3}]}';
const ALL = "/v1/state/report";
const typed = { headers: { "Content-Type": "application/json" } };

const BAD_ENTRIES: readonly (readonly [
  entry: string,
  text: string,
  where: string,
])[] = [
  ["1", "key is required", ',"index":0'],
  [`${keyed()},${keyed()}`, "key must be given once", ',"key":"k"'],
  [
    '{"key":"k","content_type":"a/b"}',
    "payload must be valid JSON",
    ',"key":"k"',
  ],
  [keyed(',"if_match":"1"'), "if_match must be an integer", ',"key":"k"'],
  [
    keyed(',"create_only":1'),
    "create_only must be true or false",
    ',"key":"k"',
  ],
];

function keyed(rest = ""): string {
  return `{"key":"k","content_type":"a/b","payload":1${rest}}`;
}

function batchOf(status: number, sync: string): Expected {
  return {
    status,
    body: '{"reports":[{"key":"new","version":1,' +
      `"updated_at":"2026-03-01T12:00:00Z","sync":"${sync}"},` +
      '{"key":"health","version":4,' +
      `"updated_at":"2026-03-01T12:00:00Z","sync":"${sync}"}]}\n`,
    headers: JSON_TYPE,
  };
}

const batches: readonly ContractCase[] = [
  put(ALL, BATCH, batchOf(200, "synced"), typed),
  put(`${ALL}?wait=synced`, BATCH, batchOf(200, "synced"), typed),
  put(`${ALL}?wait=synced`, BATCH, batchOf(202, "local_only"), {
    ...typed,
    given: (sources) => sources.sync.state = { state: "local_only" },
  }),
  put(ALL, BATCH, error(415, "content type must be application/json")),
  put(ALL, "[]", error(400, "reports must be a list"), typed),
  put(ALL, '{"reports":[]}', error(400, "reports must be 1 to 500"), typed),
  put(ALL, "{", error(400, "invalid JSON body"), typed),
  ...BAD_ENTRIES.map(([entry, text, where]) =>
    put(ALL, `{"reports":[${entry}]}`, error(400, text, where), typed)
  ),
  put(
    ALL,
    '{"reports":[{"key":"a/b"}]}',
    error(400, "invalid report key", ',"index":0'),
    typed,
  ),
  put(
    ALL,
    '{"reports":[{"key":"k","payload":1}]}',
    error(400, "content_type is required", ',"key":"k"'),
    typed,
  ),
  put(
    ALL,
    BATCH.replace("3", "2"),
    error(409, "version conflict", ',"key":"health"'),
    typed,
  ),
  put(
    ALL,
    BATCH.replace('"if_match":3', '"create_only":true'),
    error(412, "already exists", ',"key":"health"'),
    typed,
  ),
  put(ALL, bodyOf(MIB + 1), error(413, "body too large"), {
    ...typed,
    what: "of a byte more than the most",
  }),
  put(ALL, BATCH, error(507, "disk full"), {
    ...typed,
    what: "on a full disk",
    given: (sources) => sources.reports.failures.push(full),
  }),
];

const waits = [
  ["wait=no", "wait must be synced"],
  ["wait=synced&timeout=1h", "timeout must be a duration from 1ms to 60s"],
  ["wait=synced&wait=synced", "wait must be given once"],
  ["wait=synced&timeout=1s&timeout=2s", "timeout must be given once"],
].flatMap(([query, text]): ContractCase[] => [
  put(`${NEW}?${query}`, GOOD, error(400, text!)),
  put(`/v1/state/report?${query}`, BATCH, error(400, text!), typed),
  remove(`${HEALTH}?${query}`, error(400, text!)),
]);

/** A secret's value; api.sock has none, whatever the control plane says. */
function secret(
  key: string,
  expected: Expected,
  failure?: ControlError,
): ContractCase {
  return {
    ...(failure
      ? {
        what: `when the control plane answers "${failure.kind}"`,
        given: (sources) => void sources.secrets.failures.push(failure),
      }
      : {}),
    target: `/v1/state/secrets/${key}`,
    expected: { ...expected, headers: { ...NO_STORE, ...expected.headers } },
    on: { "api.sock": WITHHELD },
  };
}

const secrets: readonly ContractCase[] = [
  secret("db-password", {
    status: 200,
    body: '{"key":"db-password","value":"s3cret","version":3}\n',
  }),
  secret("missing", NOT_FOUND),
  secret("%zz", NOT_FOUND),
  secret(
    "db-password",
    error(403, "forbidden by the control plane"),
    new ControlError("forbidden", "no"),
  ),
  secret(
    "db-password",
    {
      ...error(429, "rate limited by the control plane"),
      headers: { "retry-after": "3" },
    },
    new ControlError("rate_limited", "slowly", { retryAfterMs: 2_500 }),
  ),
  secret(
    "db-password",
    error(
      503,
      "control plane unavailable",
      ',"reason":"control_plane_unreachable"',
    ),
    new ControlError("unreachable", "away"),
  ),
  secret(
    "db-password",
    error(503, "control plane unavailable", ',"reason":"unauthorized"'),
    new ControlError("unauthorized", "who?"),
  ),
];

const agent: readonly ContractCase[] = [
  {
    target: "/v1/status",
    expected: {
      status: 200,
      body: /^\{"version":"0\.1\.0",.*\}\n$/,
      headers: { ...JSON_TYPE, etag: null },
    },
  },
  {
    target: "/v1/events",
    expected: {
      status: 200,
      body: '{"events":[{"type":"start","at":"2026-03-01T12:00:00.000Z",' +
        '"reason":"plexd 0.1.0"},{"type":"connect",' +
        '"at":"2026-03-01T12:00:01.000Z","carrier":"sse"}],"capacity":256}\n',
      headers: JSON_TYPE,
    },
  },
  {
    target: "/healthz",
    expected: { status: 200, body: '{"status":"ok"}\n', headers: NO_STORE },
  },
  {
    target: "/readyz",
    expected: {
      status: 200,
      body: /^\{"status":"ready","checks":\[.*\]\}\n$/,
      headers: NO_STORE,
    },
  },
  {
    what: "before anything was verified",
    given: (sources) => sources.status = () => sampleStatus,
    target: "/readyz",
    expected: {
      status: 503,
      body: /^\{"status":"not ready","checks":\[.*\]\}\n$/,
      headers: NO_STORE,
    },
  },
  {
    target: "/metrics",
    expected: {
      status: 200,
      body: /^# HELP plexd_build_info [^]*\n$/,
      headers: {
        "content-type": "text/plain; version=0.0.4; charset=utf-8",
        "cache-control": "no-store",
      },
    },
  },
  {
    what: "whatever is accepted",
    target: "/metrics",
    request: { headers: { Accept: "application/openmetrics-text" } },
    expected: {
      status: 200,
      body: /^# HELP /,
      headers: {
        "content-type": "text/plain; version=0.0.4; charset=utf-8",
      },
    },
  },
  {
    target: "/openapi.json",
    expected: {
      status: 200,
      body: /^\{"openapi":"3\.1\.0",.*\}\n$/,
      headers: JSON_TYPE,
    },
  },
  {
    what: "that fails unexpectedly",
    given: (sources) =>
      sources.status = () => {
        throw new Error("broken");
      },
    target: "/v1/status",
    expected: error(500, "internal error"),
  },
];

const everything = { filter: { kinds: new Set<never>(), keys: new Set("") } };

const badWatches = [
  ["/v1/watch?kind=none", /^\{"error":"unknown kind: there are [a-z, ]+"\}\n$/],
  ["/v1/watch?what=x", /^\{"error":"unknown parameter: there are /],
  ["/v1/watch?key=", /^\{"error":"key must have 1 to 1024 characters"\}\n$/],
  ["/v1/watch?key=%zz", '{"error":"malformed query"}\n'],
  [
    `/v1/watch?${"key=k&".repeat(65)}`,
    /^\{"error":"key is given more than 64 times"\}\n$/,
  ],
].map(([target, body]) => ({
  target: String(target),
  expected: { status: 400, body: body!, headers: JSON_TYPE },
}));

const watching: readonly ContractCase[] = [
  ...badWatches,
  {
    // It never ends, so what was read is its header.
    target: "/v1/watch?kind=data,secrets&key=a&key=b",
    expected: {
      status: 200,
      body: "",
      headers: {
        "content-type": "text/event-stream",
        "cache-control": "no-store, no-transform",
      },
    },
  },
  {
    what: "when there are too many",
    given: ({ watchers }) => {
      while (watchers.watch(everything, () => false));
    },
    target: "/v1/watch",
    request: { method: "GET" },
    expected: {
      ...error(503, "too many watchers"),
      headers: { "retry-after": "5" },
    },
  },
];

const hosts: readonly ContractCase[] = [
  {
    what: "with a Host that would be a path",
    target: "/v1/state",
    request: { host: "a/b?c#d" },
    expected: error(400, "malformed host"),
  },
  {
    what: "with a Host that is no name of this listener",
    target: "/healthz",
    request: { host: "evil.example" },
    expected: { status: 200, body: '{"status":"ok"}\n' },
    on: { TCP: error(421, "misdirected request") },
  },
  {
    what: "with a foreign Origin",
    target: "/healthz",
    request: { headers: { Origin: "https://evil.example" } },
    expected: { status: 200, body: '{"status":"ok"}\n' },
    on: { TCP: error(403, "forbidden: foreign origin") },
  },
  ...["/healthz", "/readyz", "/metrics", "/openapi.json", "/nothing"].map(
    (target): ContractCase => ({
      what: "without the bearer",
      target,
      request: { headers: { Authorization: "Bearer other" } },
      expected: target === "/nothing"
        ? NOT_FOUND
        : { status: 200, body: /^[^]+$/ },
      on: { TCP: error(401, "unauthorized") },
    }),
  ),
];

export const CONTRACT: readonly ContractCase[] = [
  ...reads,
  ...special,
  ...refused,
  ...unenrolled,
  ...unknown,
  ...odd,
  ...wrongMethods,
  ...invalidKeys,
  ...writes,
  ...batches,
  ...waits,
  ...secrets,
  ...agent,
  ...watching,
  ...hosts,
];
