import type { Clock } from "../platform/clock.ts";
import { AGENT_USER } from "./accounts.ts";
import { isEnrolled, statIfThere } from "./folders.ts";
import { HostError } from "./host_error.ts";
import type { Places } from "./places.ts";
import { removeIfThere } from "./placement.ts";
import type { PreparedNode } from "./prepare_node.ts";
import type { Steps } from "./steps.ts";
import {
  AGENT_UNIT,
  agentUnits,
  enableUnit,
  reloadUnits,
  restartUnit,
  systemdRuns,
} from "./systemd.ts";

/** Options for {@linkcode startAgent}. */
export interface StartOptions {
  readonly places: Places;
  readonly steps: Steps;
  readonly io: { readonly clock: Clock };
  readonly release: { readonly version: string };
  readonly node: PreparedNode;
  /** Start the agent, or only have it started with the machine. */
  readonly start: boolean;
  /** Only what runs is restarted. */
  readonly onlyRunning: boolean;
  /** How long an agent may take until it is ready, in ms. */
  readonly readyMs: number;
  /** Whether other files are in place than before. */
  readonly hasChanged: boolean;
  /** Puts the former files back; absent where there were none. */
  readonly undo?: () => void;
}

/**
 * Has systemd run what is in place, and waits until it is ready. Where systemd
 * does not run, it says what to do instead.
 *
 * @throws {HostError} kind "rolled_back" when an agent was not ready in time
 * and the former program is in place again, "failed" when there is none.
 */
export async function startAgent(options: StartOptions): Promise<void> {
  const { places, steps, onlyRunning, start, node } = options;
  if (!places.isSystem || !systemdRuns()) return tellHowToStart(options);
  await steps.do("have systemd read its unit files", reloadUnits);
  if (!onlyRunning) {
    await steps.do(`enable ${AGENT_UNIT}`, () => enableUnit(AGENT_UNIT));
  }
  if (!start) return;
  const running = await agentUnits();
  if (onlyRunning && running.length === 0) {
    steps.tell("No agent runs, so none was restarted.");
  }
  const canStart = onlyRunning || running.includes(AGENT_UNIT) ||
    tellWhatIsMissing(node, options);
  const wanted = !onlyRunning && canStart
    ? [AGENT_UNIT, ...running.filter((unit) => unit !== AGENT_UNIT)]
    : running;
  // What runs already runs these very files.
  const units = wanted.filter((unit) =>
    options.hasChanged || !running.includes(unit)
  );
  for (const unit of units) {
    await steps.do(`start ${unit}, and wait until it is ready`, async () => {
      const why = await restartUnit(unit, options.readyMs, options.io.clock);
      if (why !== undefined) await giveUp(options, units, unit, why);
    });
  }
  if (steps.isRehearsal || !statIfThere(node.tokenFile)) return;
  if (!isEnrolled(places)) {
    return steps.tell(
      'The agent runs, but the node has not joined yet: "plexd why" says why',
    );
  }
  // The agent itself may not write in there.
  await steps.do(
    `remove ${node.tokenFile}, which is spent`,
    () => removeIfThere(node.tokenFile),
  );
}

/** @returns whether the agent would start. */
function tellWhatIsMissing(
  { hasControlPlane, isEnrolled, hasToken, tokenFile }: PreparedNode,
  { places, steps }: StartOptions,
): boolean {
  const then = `then: systemctl start ${AGENT_UNIT}`;
  if (!hasControlPlane) {
    steps.tell(
      `Not started yet: write api.base_url into ${places.configFile} and a ` +
        `one-time token into ${tokenFile} (mode 0600, owner ${AGENT_USER}), ` +
        then,
    );
    return false;
  }
  if (isEnrolled || hasToken) return true;
  steps.tell(
    `The node has not joined, and there is no token: the agent waits for one ` +
      `in ${tokenFile} (mode 0600, owner ${AGENT_USER}), or for "plexd join"`,
  );
  return true;
}

function tellHowToStart({ places, steps, node }: StartOptions) {
  const { program, configFile } = places;
  if (!node.hasControlPlane) {
    steps.tell(`First, write api.base_url into ${configFile}.`);
  }
  if (!node.isEnrolled && !node.hasToken) {
    steps.tell(
      `To join, the node needs a one-time token in ${node.tokenFile} (mode ` +
        "0600) or in the variable PLEXD_BOOTSTRAP_TOKEN.",
    );
  }
  if (!places.isSystem) {
    steps.tell(`Start it with: ${program} up --config ${configFile}`);
    return;
  }
  steps.tell(
    "systemd does not run this machine, so no unit was enabled. Start the " +
      `agent as its user: setpriv --reuid=${AGENT_USER} --regid=${AGENT_USER} ` +
      `--init-groups ${program} up --config ${configFile}`,
  );
}

async function giveUp(
  { release, undo, readyMs, io, steps }: StartOptions,
  units: readonly string[],
  failed: string,
  why: string,
): Promise<never> {
  const look = `journalctl -u ${failed} -n 50 tells why`;
  if (!undo) {
    throw new HostError(
      "failed",
      `plexd ${release.version} is installed, but it is not ready: ${why}`,
      `${look}; systemd goes on trying`,
    );
  }
  steps.tell(`not ready: ${why}; putting the former version back`);
  undo();
  await reloadUnits();
  const bad: string[] = [];
  for (const unit of units) {
    const still = await restartUnit(unit, readyMs, io.clock);
    if (still !== undefined) bad.push(`${unit} (${still})`);
  }
  throw new HostError(
    "rolled_back",
    `plexd ${release.version} was not ready, so the former version is in ` +
      "place again" +
      (bad.length === 0
        ? " and runs"
        : `, which is not ready either: ${bad.join(", ")}`),
    look,
    new Error(why),
  );
}
