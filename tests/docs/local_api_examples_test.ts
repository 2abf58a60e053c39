import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { write } from "../../src/cli/write.ts";
import { PlexdClient } from "../../src/client/mod.ts";
import { eventually } from "../scenarios/eventually.ts";
import { Stage } from "../scenarios/stage.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PAGE = Deno.readTextFileSync(`${ROOT}docs/local-api.md`);

/** The examples of the page, by the name that the page gives them. */
const EXAMPLES: ReadonlyMap<string, string> = new Map(
  [...PAGE.matchAll(/<!-- example: (\S+) -->\n\n```\w+\n([^]*?)\n```\n/g)]
    .map((match) => [match[1]!, match[2]!]),
);

/** Not part of Go's usual path on the machines of CI. */
const GO = "/usr/local/go/bin/go";

/** How an example is run, and what of the machine that needs. */
interface Runner {
  readonly example: string;
  readonly command: readonly string[];
  /** CI must have it. */
  readonly required: boolean;
  readonly expected: readonly (string | RegExp)[];
}

/** What all programs write: they do the same. */
const TOLD = [
  "region eu-1",
  "again 304",
  "create 200",
  "create 412",
  "conflict 409",
  "write 200 2 synced",
  "secret 1 6",
  "watch hello",
  "watch change health 3",
];

const REGION = '{"key":"region","value":"eu-1"}';

const RUNNERS: readonly Runner[] = [
  {
    example: "curl.sh",
    command: ["sh", "curl.sh"],
    required: true,
    expected: [
      REGION,
      "304",
      /^\{"key":"health",.*"payload":\{"ok":true\},"version":1,.*\}$/,
      "200",
      '{"error":"already exists"}',
      "412",
      '{"error":"version conflict"}',
      "409",
      /^\{"key":"health",.*"payload":\{"ok":false\},"version":2,.*\}$/,
      "200",
      '{"key":"db-password","value":"s3cret","version":1}',
      /^\{"key":"health",.*"version":3,.*\}$/,
      "200",
      /^data: \{"kind":"report","key":"health","version":3,.*\}$/,
    ],
  },
  {
    example: "tcp.sh",
    command: ["sh", "tcp.sh"],
    required: true,
    expected: [REGION],
  },
  {
    example: "example.py",
    command: ["python3", "example.py"],
    required: true,
    expected: TOLD,
  },
  {
    example: "main.go",
    command: [GO, "run", "main.go"],
    required: false,
    expected: TOLD,
  },
  {
    example: "example.mjs",
    command: ["node", "example.mjs"],
    required: true,
    expected: TOLD,
  },
  {
    example: "example.ts",
    command: [Deno.execPath(), "run", "--quiet", "-A", "example.ts"],
    required: true,
    expected: TOLD,
  },
];

/** Why a program cannot be run here; empty when it can. */
function missing({ example, command }: Runner): string {
  const programs = example.endsWith(".sh")
    ? ["sh", "curl"]
    : command.slice(0, 1);
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  const isThere = (program: string) =>
    (program.startsWith("/") ? [""] : folders.map((folder) => `${folder}/`))
      .some((folder) => {
        try {
          return Deno.statSync(folder + program).isFile;
        } catch {
          return false;
        }
      });
  return programs.filter((program) => !isThere(program)).join(", ");
}

/** A node with a value, a secret and a TCP listener. */
async function openStage(): Promise<{ stage: Stage; port: number }> {
  const stage = await Stage.open();
  try {
    await stage.startControlPlane();
    await stage.leaveToken();
    const tokenFile = `${stage.folder}/api-token`;
    await Deno.writeTextFile(tokenFile, "a-local-token\n", { mode: 0o600 });
    const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = free.addr;
    free.close();
    const { node_id: id } = await stage.startAgent({
      settings: {
        node_api: {
          http_enabled: true,
          http_listen: `127.0.0.1:${port}`,
          http_token_file: tokenFile,
        },
      },
    });
    const { admin } = stage;
    await admin.call("PUT", `/nodes/${id}/metadata/region`, { value: "eu-1" });
    await admin.call("PUT", `/nodes/${id}/secrets/db-password`, {
      value: "s3cret",
    });
    await eventually("the value is here", async () => {
      const { status } = await stage.local("/v1/state/metadata/region");
      return status === 200 ? true : undefined;
    });
    return { stage, port };
  } catch (error) {
    await stage[Symbol.asyncDispose]();
    throw error;
  }
}

/** An example as it stands on the page, but for the places of this machine. */
function placed(text: string, stage: Stage, port: number): string {
  return text
    .replaceAll("/var/run/plexd/api.sock", stage.socket)
    .replaceAll("/var/run/plexd/secrets.sock", stage.secretsSocket)
    .replaceAll("/etc/plexd/api-token", `${stage.folder}/api-token`)
    .replaceAll("127.0.0.1:9100", `127.0.0.1:${port}`)
    .replaceAll("./src/client/", `${ROOT}src/client/`);
}

Deno.test("the page has these examples, and no other", () => {
  assert.deepEqual(
    [...EXAMPLES.keys()].sort(),
    RUNNERS.map(({ example }) => example).sort(),
  );
});

Deno.test("the examples of docs/local-api.md do what the page says", async (t) => {
  const { stage, port } = await openStage();
  await using _ = stage;
  const folder = `${stage.folder}/examples`;
  await Deno.mkdir(folder);
  const client = new PlexdClient(stage.socket);
  for (const runner of RUNNERS) {
    const { example, command, required, expected } = runner;
    const lacks = missing(runner);
    const must = required && Deno.env.get("CI") === "true";
    if (lacks !== "" && !must) {
      write(Deno.stderr, `left out: ${example}, as there is no ${lacks}`);
    }
    await t.step({
      name: example,
      ignore: lacks !== "" && !must,
      fn: async () => {
        const text = placed(EXAMPLES.get(example) ?? "", stage, port);
        await Deno.writeTextFile(`${folder}/${example}`, text);
        await client.deleteReport("health").catch(() => {});
        const [program = "", ...args] = command;
        const { code, stdout, stderr } = await new Deno.Command(program, {
          args,
          cwd: folder,
          env: {
            NO_COLOR: "1",
            GOCACHE: `${folder}/go-cache`,
            GOPATH: `${folder}/go`,
            GOFLAGS: "-mod=mod",
            GOTOOLCHAIN: "local",
            CGO_ENABLED: "0",
            GO111MODULE: "off",
          },
          stdin: "null",
        }).output();
        const decoder = new TextDecoder();
        assert.equal(code, 0, decoder.decode(stderr));
        const lines = decoder.decode(stdout).trimEnd().split("\n");
        assert.equal(lines.length, expected.length, lines.join("\n"));
        for (const [at, line] of lines.entries()) {
          const wanted = expected[at]!;
          if (typeof wanted === "string") assert.equal(line, wanted);
          else assert.match(line, wanted);
        }
      },
    });
  }
});
