import assert from "node:assert/strict";
import { damage } from "../../scripts/torture/damage.ts";
import { faultSweep } from "../../scripts/torture/fault_sweep.ts";
import { fuzzParsers } from "../../scripts/torture/fuzz_parsers.ts";
import { fuzzRequests } from "../../scripts/torture/fuzz_requests.ts";
import {
  exhaustion,
  slowClients,
} from "../../scripts/torture/hostile_clients.ts";
import { Figures } from "../../scripts/torture/figures.ts";
import {
  killMatrix,
  type TrialOptions,
} from "../../scripts/torture/kill_matrix.ts";
import { mendMatrix } from "../../scripts/torture/mend_matrix.ts";
import { powerLoss } from "../../scripts/torture/power_loss.ts";
import { Seeded } from "../../scripts/torture/seeded.ts";
import { whyNoStrace } from "../../scripts/torture/strace.ts";
import { wholeAgent } from "../../scripts/torture/whole_agent.ts";
import { systemRandom } from "../../src/platform/random.ts";

const seed = Number(
  Deno.env.get("TORTURE_SEED") ?? Math.floor(systemRandom.unit() * 2 ** 32),
);

/** A sample of a trial; what goes wrong names the seed to repeat it with. */
function sample(
  name: string,
  trial: (figures: Figures, random: Seeded) => Promise<void>,
) {
  Deno.test(`a sample of ${name} loses nothing`, async () => {
    const figures = new Figures();
    await trial(figures, new Seeded(seed));
    const lines = figures.lines(seed);
    assert.ok(figures.isGood, lines.join("\n"));
    say(`TORTURE_SEED=${seed}: ${lines.at(-1)}`);
  });
}

sample("power cuts", (figures, random) => powerLoss(figures, random, 600));

sample(
  "hostile requests",
  (figures, random) => fuzzRequests(figures, random, 3_000),
);

sample(
  "malformed inputs",
  (figures, random) => fuzzParsers(figures, random, 2_000),
);

sample("slow clients", (figures) => slowClients(figures, 90));

sample("running out of descriptors", (figures) => exhaustion(figures, 2));

sample(
  "flipped bits and missing ends",
  (figures, random) => damage(figures, random, 2),
);

const why = await whyNoStrace();
if (why !== undefined) {
  assert.notEqual(Deno.env.get("CI"), "true", why);
  say(`Kills and failing calls are not sampled: ${why}`);
}

/** A few of the calls of a node's first hours. */
function withStrace(
  name: string,
  most: number,
  trial: (options: TrialOptions) => Promise<void>,
) {
  if (why !== undefined) return;
  sample(name, async (figures, random) => {
    const folder = await Deno.makeTempDir({ prefix: "plexd-torture-" });
    try {
      await trial({ folder, figures, random, story: 0, most });
      assert.ok(figures.kills + figures.faults > 0, "no call was hit");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

withStrace("kills", 6, killMatrix);
withStrace("failing calls", 6, faultSweep);
withStrace("killed repairs and restores", 3, mendMatrix);
withStrace(
  "killed agents",
  3,
  ({ figures, random, most = 1 }) => wholeAgent(figures, random, most),
);

function say(line: string) {
  Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
}
