/**
 * Walks through the commands on a terminal and keeps the screens:
 * `deno run -A scripts/screens/main.ts > docs/screens.md`. With `PLEXD_BIN` it
 * is that program that is walked through.
 */
import { plexdCommand } from "../../tests/cli/run_plexd.ts";
import { print } from "../bench/print.ts";
import { type Chapter, CHAPTERS, type Scene } from "./scenes.ts";
import { runInTerminal } from "./terminal.ts";
import { World } from "./world.ts";

/** The same for everybody, so that two walks differ in little. */
const FOLDER = "/tmp/plexd-screens";
const USUAL_COLUMNS = 80;

const INTRODUCTION = `# Screens

What the command line says, first when all is well, then after mistakes. Each
screen is real output on a terminal of 80 columns, without its colours, written
by \`deno run -A scripts/screens/main.ts > docs/screens.md\`. Ids, times and ports
are those of that one walk.`;

/** Erases the line, as progress does before it shows more. */
// deno-lint-ignore no-control-regex -- that is what it consists of
const ERASED = /^[^\n]*\r\x1b\[K/gm;

async function shot(world: World, chapter: Chapter, scene: Scene) {
  const { columns = USUAL_COLUMNS } = scene;
  const line = scene.line.replaceAll("{folder}", world.folder);
  const program = plexdCommand([]).map((word) => `'${word}'`).join(" ");
  const config = chapter.world === "nothing"
    ? `${world.folder}/nothing.yaml`
    : world.config;
  const { code, screen } = await runInTerminal(
    ["sh", "-c", `exec ${program} ${line}`],
    { columns, env: { NO_COLOR: "1", TERM: "xterm", PLEXD_CONFIG: config } },
  );
  const shown = screen.replace(ERASED, "").trimEnd();
  const width = columns === USUAL_COLUMNS ? "" : ` # ${columns} columns`;
  const ended = code === 0 ? "" : `\n[exit ${code}]`;
  return `$ plexd ${line}${width}\n${shown}${ended}`;
}

async function walk(): Promise<void> {
  const world = new World(FOLDER);
  await world.prepare();
  try {
    print(INTRODUCTION);
    let now: Chapter["world"] = "nothing";
    for (const chapter of CHAPTERS) {
      if (chapter.world !== now) {
        if (chapter.world === "well") await world.start();
        if (chapter.world === "alone") await world.leaveAlone();
        if (chapter.world === "stopped") await world.stop();
        now = chapter.world;
      }
      print(`\n## ${chapter.title}\n\n${chapter.text}`);
      for (const scene of chapter.scenes) {
        print(`\n\`\`\`text\n${await shot(world, chapter, scene)}\n\`\`\``);
      }
    }
  } finally {
    await world.remove();
  }
}

await walk();
