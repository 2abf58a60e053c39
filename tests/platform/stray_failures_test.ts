import assert from "node:assert/strict";
import { runTool } from "../cli/tool.ts";

const MODULE = new URL(
  "../../src/platform/stray_failures.ts",
  import.meta.url,
);

/**
 * A connection that nobody listens to any more, whose other side is killed while
 * there is something it has not read: the kernel answers that with a reset.
 */
const RESET = `
import { createConnection } from "node:net";
const other = new Deno.Command(Deno.execPath(), {
  args: ["eval", \`
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    console.log(listener.addr.port);
    const held = await listener.accept();
    await held.read(new Uint8Array(1));
    console.log("has read");
    await new Promise(() => setInterval(() => {}, 1_000));
  \`],
  stdout: "piped",
}).spawn();
const lines = other.stdout.pipeThrough(new TextDecoderStream()).getReader();
const port = Number((await lines.read()).value);
const socket = createConnection(port, "127.0.0.1");
socket.write("unread");
await lines.read();
socket.removeAllListeners();
socket.resume();
const gone = Promise.withResolvers();
socket.on("close", gone.resolve);
other.kill("SIGKILL");
await gone.promise;
`;

/** How a process of its own ends that runs the text, without and with the help. */
async function run(text: string) {
  const survive = `
import { surviveStrayFailures } from "${MODULE.href}";
const told = (message, fields) => console.log(message, fields.code);
surviveStrayFailures({ debug: () => console.log("the first one is told") });
surviveStrayFailures({ debug: told });
`;
  const evaluate = (text: string) =>
    runTool(Deno.execPath(), ["eval", text], {
      NO_COLOR: "1",
      DENO_NO_UPDATE_CHECK: "1",
    });
  const [without, kept] = await Promise.all([
    evaluate(text),
    evaluate(survive + text),
  ]);
  return { without, kept };
}

Deno.test("a connection that nobody uses any more ends no process when it is reset", async () => {
  const { without, kept } = await run(RESET + `console.log("alive");`);
  assert.equal(without.code, 1);
  assert.match(without.stderr, /ECONNRESET/);
  assert.equal(kept.code, 0, kept.stderr);
  assert.equal(
    kept.stdout,
    "A connection failed that was not used any more ECONNRESET\nalive\n",
  );
});

for (
  const [what, text] of [
    ["a mistake of the program", `queueMicrotask(() => missing());`],
    [
      "an address that refuses",
      `import { createConnection } from "node:net"; createConnection(1, "127.0.0.1");`,
    ],
    [
      "a file",
      `setTimeout(() => {
        throw Object.assign(new Error("EIO"), { code: "EIO", syscall: "read" });
      });`,
    ],
  ] as const
) {
  Deno.test(`surviveStrayFailures() hides nothing else: ${what}`, async () => {
    const { without, kept } = await run(text);
    assert.equal(without.code, 1);
    assert.equal(kept.code, 1);
    assert.equal(kept.stdout, "");
  });
}
