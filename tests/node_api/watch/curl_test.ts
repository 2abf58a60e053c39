import assert from "node:assert/strict";
import { settle } from "../../fakes/fake_clock.ts";
import { FakeSources } from "../fake_sources.ts";
import { startApi } from "../running_api.ts";

const PAGE = new URL("../../../docs/local-api.md", import.meta.url);
const SOCKET = "/var/run/plexd/api.sock";

/** The first example of the section "Watch". */
function example(): string {
  const page = Deno.readTextFileSync(PAGE);
  const section = page.slice(page.indexOf("\n## Watch\n"));
  const start = section.indexOf("```sh\n");
  const text = section.slice(section.indexOf("\n", start) + 1);
  const lines = text.slice(0, text.indexOf("```"));
  assert.ok(lines.includes(SOCKET), lines);
  return lines;
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

Deno.test({
  name: "curl in docs/local-api.md shows a change",
  // Where a build is checked, it is there.
  ignore: Deno.env.get("CI") !== "true" && !await isThere("curl"),
  async fn() {
    const sources = new FakeSources();
    await using running = await startApi(sources);
    const process = new Deno.Command("bash", {
      args: ["-c", example().replaceAll(SOCKET, running.socket)],
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
    await writes(/event: hello\n/);
    sources.changes.note([{
      kind: "data",
      key: "motd",
      version: 4,
      change: "changed",
      origin: "control_plane",
    }]);
    await writes(/"key":"motd","version":4/);
    // The agent stops just as its reader has gone: neither may stumble.
    process.kill("SIGTERM");
    await process.status;
    await reading;
  },
});
