import assert from "node:assert/strict";
import { settle } from "../../fakes/fake_clock.ts";
import { FakeSources } from "../fake_sources.ts";
import { startApi } from "../running_api.ts";

const PAGE = new URL("../../../docs/local-api.md", import.meta.url);
const SOCKET = "/var/run/plexd/api.sock";

/** The first example of the section "Watch" in a language. */
function exampleIn(language: string): string {
  const page = Deno.readTextFileSync(PAGE);
  const section = page.slice(page.indexOf("\n## Watch\n"));
  const start = section.indexOf("```" + language + "\n");
  const text = section.slice(section.indexOf("\n", start) + 1);
  const example = text.slice(0, text.indexOf("```"));
  assert.ok(example.includes(SOCKET), example);
  return example;
}

async function isThere(program: string): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(program, { args: ["--version"] })
      .output();
    return success;
  } catch {
    return false;
  }
}

const examples: readonly [
  language: string,
  program: string,
  args: readonly string[],
  greets: RegExp,
  tells: RegExp,
][] = [
  ["sh", "curl", ["bash", "-c"], /event: hello\n/, /"key":"motd","version":4/],
  ["python", "python3", ["python3", "-c"], /^hello /, /\nchange motd\n/],
];

for (const [language, program, [shell, ...args], greets, tells] of examples) {
  Deno.test({
    name: `the example in ${language} of docs/local-api.md shows a change`,
    // Where a build is checked, all of them are there.
    ignore: Deno.env.get("CI") !== "true" && !await isThere(program),
    async fn() {
      const sources = new FakeSources();
      await using running = await startApi(sources);
      const example = exampleIn(language).replaceAll(SOCKET, running.socket);
      const process = new Deno.Command(shell!, {
        args: [...args, example],
        stdout: "piped",
        stderr: "inherit",
        stdin: "null",
      }).spawn();
      let text = "";
      const reading = (async () => {
        const chunks = process.stdout.pipeThrough(new TextDecoderStream());
        for await (const chunk of chunks) text += chunk;
      })();
      let ended = false;
      process.status.then(() => ended = true);
      const writes = async (pattern: RegExp) => {
        while (!pattern.test(text)) {
          assert.equal(ended, false, `it ended: ${text}`);
          await settle(1);
        }
      };
      await writes(greets);
      sources.changes.note([{
        kind: "data",
        key: "motd",
        version: 4,
        change: "changed",
        origin: "control_plane",
      }]);
      await writes(tells);
      // The agent stops just as its reader has gone: neither may stumble.
      process.kill("SIGTERM");
      await process.status;
      await reading;
    },
  });
}
