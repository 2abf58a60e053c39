import assert from "node:assert/strict";
import { readerLeaves } from "./leaving_reader.ts";
import { runPlexd } from "./run_plexd.ts";
import { ServedPlexd } from "./served_plexd.ts";

/** What the answer to the look with this number is, from 0 on. */
type Look = (at: number) => Response | Promise<Response>;

/** A command that follows, and the server that it asks again and again. */
interface Followed {
  readonly name: string;
  readonly words: readonly string[];
  /** The answer with which so many things have happened. */
  readonly after: (count: number) => Response;
}

const COMMANDS: readonly Followed[] = [
  {
    name: "plexd events --follow",
    words: ["events", "--follow"],
    after: (count) =>
      Response.json({
        events: numbers(count).map((id) => ({
          type: `thing-${id}`,
          at: "2026-03-01T12:00:00.000Z",
        })),
        capacity: 256,
      }),
  },
  {
    name: "plexd admin audit --follow",
    words: ["admin", "audit", "--follow"],
    after: (count) =>
      Response.json({
        audit: numbers(count).slice(-1).map((id) => ({
          ...{ id, at: "now", subject: `thing-${id}`, relation: "is" },
          ...{ object: "it", outcome: "granted" },
        })),
      }),
  },
];

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, at) => at + 1);
}

/** Serves an agent and a control plane that answer each look so. */
async function withServers(
  look: Look,
  work: (env: Record<string, string>) => Promise<void>,
) {
  const folder = await Deno.makeTempDir({ prefix: "plexd-follow-" });
  const path = `${folder}/api.sock`;
  await Deno.writeTextFile(`${folder}/token`, "a token");
  let looks = 0;
  const answer = () => look(looks++);
  const stop = new AbortController();
  const options = { signal: stop.signal, onListen() {} };
  const agent = Deno.serve({ path, ...options }, answer);
  const plane = Deno.serve(
    { hostname: "127.0.0.1", port: 0, ...options },
    answer,
  );
  try {
    await work({
      PLEXD_NODE_API_SOCKET_PATH: path,
      PLEXD_ADMIN_URL: `http://127.0.0.1:${plane.addr.port}`,
      PLEXD_ADMIN_TOKEN_FILE: `${folder}/token`,
    });
  } finally {
    stop.abort();
    await Promise.all([agent.finished, plane.finished]);
    await Deno.remove(folder, { recursive: true });
  }
}

for (const { name, words, after } of COMMANDS) {
  Deno.test(`${name} ends when nobody reads it any more`, () => {
    const isClosed = Promise.withResolvers<void>();
    const look: Look = async (at) => {
      if (at > 0) await isClosed.promise;
      return after(at + 1);
    };
    return withServers(look, async (env) => {
      const left = () => isClosed.resolve();
      assert.equal(await readerLeaves(words, env, /thing-1/, left), 0);
    });
  });

  Deno.test(`${name} ends when told to, also while an answer is waited for`, () => {
    const waits = Promise.withResolvers<void>();
    const over = Promise.withResolvers<void>();
    const look: Look = async (at) => {
      if (at > 0) {
        waits.resolve();
        await over.promise;
      }
      return after(1);
    };
    return withServers(look, async (env) => {
      await using following = new ServedPlexd(words, env);
      await following.writes(/thing-1/);
      await waits.promise;
      assert.equal(await following.stop("SIGTERM"), 0);
      over.resolve();
    });
  });

  Deno.test(`${name} prints no YAML, and asks nobody`, () => {
    let asked = 0;
    const look: Look = () => {
      asked++;
      return after(1);
    };
    return withServers(look, async (env) => {
      const command = [...words, "--output=yaml"];
      const { code, stderr } = await runPlexd(command, { env });
      assert.equal(code, 2);
      assert.match(stderr, /--follow prints lines: --output is table or json/);
      assert.equal(asked, 0);
    });
  });
}
