import { describeError } from "../../platform/log.ts";
import { isoTime } from "../../platform/clock.ts";
import type { Platform } from "../../platform/platform.ts";
import { scrub } from "../../platform/scrub.ts";
import { noteDiagnostics } from "../../store/agent_state.ts";
import { SILENT, type Survey } from "../../store/survey.ts";
import { EXIT, type Invocation } from "../command.ts";
import { writeNewFile } from "../write_new_file.ts";
import { heldSecrets } from "./held_secrets.ts";
import {
  configPart,
  eventsPart,
  logPart,
  statusPart,
  surveyOf,
  versionsPart,
} from "./parts.ts";
import { gzipped, tarOf } from "./tar.ts";

const FOLDER = "plexd-diag";

/**
 * `plexd diag`: a bundle for who is to help. Each of its files is built from a
 * list of what may be told, and scrubbed of every secret that this process can
 * get hold of. A part that cannot be had says why, in its place.
 */
export async function diag(invocation: Invocation): Promise<number> {
  const { stop } = invocation;
  const env = Deno.env.toObject();
  const found = await invocation.inspectedConfig();
  const { config } = found;
  const io = { ...invocation.platform(config), log: SILENT };
  const nowMs = io.clock.now();
  const secrets = await heldSecrets(config, env, io);
  let survey: Survey | undefined;
  const outcome = await invocation.progress("Looking at the node", async (
    tell,
  ) => {
    const parts = new Map<string, string>();
    const failed: string[] = [];
    const add = async (name: string, make: () => unknown) => {
      tell(`Gathering ${name}`);
      let told: unknown;
      try {
        told = await make();
      } catch (error) {
        failed.push(name);
        const why = scrub(describeError(error), secrets);
        told = { unavailable: why };
        invocation.complain(`plexd: ${name} could not be had: ${why}`);
      }
      const text = typeof told === "string"
        ? told
        : JSON.stringify(told, null, 2) + "\n";
      parts.set(name, scrub(text, secrets));
    };
    await add("versions.json", versionsPart);
    await add("config.json", () => configPart(found));
    if (config) {
      await add("status.json", () => statusPart(config));
      await add("events.json", () => eventsPart(config));
      await add("store.json", async () => {
        survey = await surveyOf(config, io);
        return survey ?? { unavailable: "there is no such membership" };
      });
      await add("log.txt", () => logPart(config, io, stop));
    }
    const manifest = {
      format: 1,
      made_at: isoTime(nowMs),
      files: [...parts.keys()],
      unavailable: failed,
    };
    parts.set("manifest.json", JSON.stringify(manifest, null, 2) + "\n");
    await writeBundle(invocation, parts, nowMs, io.random);
    return failed.includes("store.json")
      ? "failed"
      : (survey?.findings.length ?? 0) > 0
      ? "findings"
      : "ok";
  });
  // Nothing is made on a machine that never joined.
  if (config && (survey || outcome === "failed")) {
    const folder = { dataDir: config.data_dir, ...io };
    noteDiagnostics(folder, { kind: "diag", outcome });
  }
  return EXIT.fine;
}

/** One archive with all parts, for its owner only. */
async function writeBundle(
  { flags, print }: Invocation,
  parts: ReadonlyMap<string, string>,
  nowMs: number,
  random: Platform["random"],
): Promise<void> {
  const files = [...parts].map(([name, text]) => ({
    name: `${FOLDER}/${name}`,
    bytes: new TextEncoder().encode(text),
  }));
  const time = isoTime(nowMs).replace(/[-:]|\..*/g, "");
  const out = String(flags["--out"] ?? `${FOLDER}-${time}Z.tar.gz`);
  const bytes = await gzipped(tarOf(files, nowMs));
  await writeNewFile(out, bytes, flags["--force"] === true, random);
  print(out);
}
