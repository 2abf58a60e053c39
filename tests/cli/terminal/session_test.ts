import assert from "node:assert/strict";
import { currentSession } from "../../../src/cli/terminal/session.ts";

/** A line of proc(5) for a process of this session. */
function stat(session: number, tty: number, startedAt: number): string {
  const rest = Array.from({ length: 14 }, () => 0).join(" ");
  return `7 (a (b) c) S 1 7 ${session} ${tty} ${rest} ${startedAt} 0 0\n`;
}

function sources(
  files: Readonly<Record<string, string>>,
  name?: string,
): Parameters<typeof currentSession>[0] {
  return {
    env: { get: (variable) => variable === "PLEXD_SESSION" ? name : undefined },
    read(path) {
      const text = files[path];
      if (text === undefined) throw new Deno.errors.NotFound(path);
      return text;
    },
  };
}

const BOOT = { "/proc/sys/kernel/random/boot_id": "boot-1\n" };

Deno.test("a session is what PLEXD_SESSION says, before any terminal", () => {
  const files = {
    ...BOOT,
    "/proc/self/stat": stat(42, 34816, 9),
    "/proc/42/stat": stat(42, 34816, 5),
  };
  assert.deepEqual(currentSession(sources(files, "deploy")), {
    key: "name:deploy",
    bootId: null,
  });
  assert.deepEqual(currentSession(sources(files, "")), {
    key: "tty:34816:42:5",
    bootId: "boot-1",
  });
});

Deno.test("a later terminal on the same device is another session", () => {
  const first = currentSession(sources({
    ...BOOT,
    "/proc/self/stat": stat(42, 34816, 9),
    "/proc/42/stat": stat(42, 34816, 5),
  }));
  const later = currentSession(sources({
    ...BOOT,
    "/proc/self/stat": stat(42, 34816, 90),
    "/proc/42/stat": stat(42, 34816, 50),
  }));
  assert.notEqual(first?.key, later?.key);
});

for (
  const { when, files } of [
    {
      when: "without a terminal",
      files: { "/proc/self/stat": stat(42, 0, 9) },
    },
    {
      when: "whose leader has ended",
      files: { "/proc/self/stat": stat(42, 34816, 9) },
    },
    { when: "without /proc", files: {} },
    {
      when: "with a line of another kind",
      files: { "/proc/self/stat": "7 (" },
    },
  ]
) {
  Deno.test(`a process ${when} has no session`, () => {
    assert.equal(currentSession(sources({ ...BOOT, ...files })), undefined);
  });
}
