import assert from "node:assert/strict";
import { walkSync } from "./walk.ts";

/**
 * The import rule of ARCHITECTURE.md: what each place below `src/` may import
 * from other places. Everything may import from its own folder.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  platform: [],
  wire: [],
  // Other programs take it as it is.
  client: [],
  trust: ["wire", "platform"],
  store: ["wire", "platform"],
  uplink: ["wire", "platform"],
  config: ["wire", "platform"],
  sync: ["uplink", "trust", "store", "wire", "platform"],
  actions: ["uplink", "store", "wire", "platform"],
  node_api: ["uplink", "trust", "store", "wire", "platform"],
  control_plane: ["wire", "platform"],
  host: ["config", "trust", "store", "wire", "platform"],
  agent: [
    "config",
    "sync",
    "actions",
    "node_api",
    "client",
    "uplink",
    "trust",
    "store",
    "wire",
    "platform",
  ],
  cli: [
    "agent",
    "client",
    "host",
    "config",
    "control_plane",
    "sync",
    "actions",
    "node_api",
    "uplink",
    "trust",
    "store",
    "wire",
    "platform",
  ],
};

const root = new URL("../src/", import.meta.url);

interface SourceFile {
  /** Path below `src/`. */
  readonly path: string;
  readonly text: string;
}

const sources: SourceFile[] = walkSync(root, ".ts").map((path) => ({
  path,
  text: Deno.readTextFileSync(new URL(path, root)),
}));

/** Every module name that a file imports, statically or on demand. */
function importsOf(file: SourceFile): string[] {
  const pattern = /(?:\bfrom\s*|\bimport\s*\(?\s*)"([^"]+)"/g;
  return [...file.text.matchAll(pattern)].map((match) => match[1]!);
}

function placeOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.indexOf("/")) : path;
}

/** Paths below `src/` of the project's own files that `file` imports. */
function ownImportsOf(file: SourceFile): string[] {
  return importsOf(file)
    .filter((name) => name.startsWith("."))
    .map((name) => new URL(name, new URL(file.path, root)).href)
    .map((href) => href.slice(root.href.length));
}

Deno.test("the source tree is there to be checked", () => {
  assert.ok(sources.length > 40, `only ${sources.length} files found`);
  for (const place of Object.keys(MAY_IMPORT)) {
    assert.ok(
      sources.some((file) => placeOf(file.path) === place),
      `nothing found in src/${place}`,
    );
  }
});

Deno.test("imports only point down, and folders on one level do not meet", () => {
  const wrong = sources.flatMap((file) => {
    const place = placeOf(file.path);
    const allowed = MAY_IMPORT[place];
    if (!allowed) return [`src/${file.path} is in a place without a rule`];
    return ownImportsOf(file)
      .filter((path) => placeOf(path) !== place)
      .filter((path) => !allowed.includes(placeOf(path)))
      .map((path) => `src/${file.path} imports src/${path}`);
  });
  assert.deepEqual(wrong, []);
});

Deno.test("no file imports itself through others", () => {
  const imports = new Map(
    sources.map((file) => [file.path, ownImportsOf(file)]),
  );
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      assert.fail(`cycle: ${[...trail, path].join(" -> ")}`);
    }
    if (done.has(path)) return;
    for (const next of imports.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of imports.keys()) visit(path, []);
});

Deno.test("only the control plane's storage knows the database", () => {
  const users = sources
    .filter((file) => importsOf(file).includes("node:sqlite"))
    .map((file) => file.path);
  assert.deepEqual(users.sort(), [
    "control_plane/sqlite_storage.ts",
    "control_plane/storage/backup_database.ts",
  ]);
});

/** Files that start processes. Commands they belong to may do so: `spawns`. */
const STARTERS: ReadonlySet<string> = new Set([
  "actions/start_process.ts",
  "host/run_program.ts",
  "cli/dev/child.ts",
  "cli/logs.ts",
  // Before any input, and cat(1) of a fixed path alone.
  "cli/terminal/read_proc.ts",
]);

Deno.test("processes are started in few places, and each is known", () => {
  const unknown = sources
    .filter((file) =>
      importsOf(file).includes("node:child_process") ||
      /\bnew Deno\.Command\(/.test(file.text)
    )
    .map((file) => file.path)
    .filter((path) => !STARTERS.has(path));
  assert.deepEqual(unknown, []);
});

Deno.test("packages are loaded on demand through a file of their own", () => {
  // Bundled, import() of a CommonJS package gives no named members.
  const wrong = sources
    .filter((file) => /\bimport\(\s*"[^."]/.test(file.text))
    .map((file) => file.path);
  assert.deepEqual(wrong, []);
});

Deno.test("no module makes an error as it loads", () => {
  // For its stack the runtime parses the whole bundled piece a second time.
  const pattern =
    /^(?:export )?(?:const|let) [^=]*=\s*new \w*(?:Error|Exception)\(/m;
  const wrong = sources
    .filter((file) => pattern.test(file.text))
    .map((file) => file.path);
  assert.deepEqual(wrong, []);
});

Deno.test("only platform/ touches time and chance", () => {
  const pattern =
    /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(|\bMath\.random\(|\bset(?:Timeout|Interval)\(|AbortSignal\.timeout\(|crypto\.getRandomValues\(|crypto\.randomUUID\(/;
  const wrong = sources
    .filter((file) => placeOf(file.path) !== "platform")
    // Handed to others, the client cannot bring platform/ along.
    .filter((file) => file.path !== "client/client_clock.ts")
    .filter((file) => pattern.test(file.text))
    .map((file) => `src/${file.path}: ${pattern.exec(file.text)?.[0]}`);
  assert.deepEqual(wrong, []);
});

Deno.test("the client of the local API needs nothing but the runtime", () => {
  const wrong = sources
    .filter((file) => placeOf(file.path) === "client")
    .flatMap((file) =>
      importsOf(file)
        .filter((name) => !/^\.\/\w+\.ts$/.test(name))
        .map((name) => `src/${file.path} imports ${name}`)
    );
  assert.deepEqual(wrong, []);
});

Deno.test("the client of the control plane opens no file", () => {
  // It is handed what it needs, so of the system it knows only what it computes.
  const wrong = sources
    .filter((file) => placeOf(file.path) === "uplink")
    .flatMap((file) =>
      [
        ...[...file.text.matchAll(/\bDeno\.(\w+)/g)].map(([name]) => name)
          .filter((name) => name !== "Deno.HttpClient"),
        ...importsOf(file)
          .filter((name) => name.startsWith("node:") && name !== "node:crypto"),
      ].map((name) => `src/${file.path} uses ${name}`)
    );
  assert.deepEqual(wrong, []);
});
