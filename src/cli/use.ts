import { ConfigError } from "../config/config_error.ts";
import { SETTINGS } from "../config/settings.ts";
import { SettingValueError } from "../config/setting.ts";
import { CommandError, EXIT, type Invocation } from "./command.ts";
import { show } from "./output/show.ts";
import { stateHome } from "./state_home.ts";
import { changeChoices } from "./terminal/change_choices.ts";
import { choicesFile, withChoice, without } from "./terminal/choices.ts";
import {
  type KnownMemberships,
  knownMemberships,
} from "./terminal/memberships.ts";
import { SESSION_VARIABLE } from "./terminal/session.ts";

/**
 * `plexd use`: which membership commands in this terminal are about, and with a
 * name, which one they are to be about from now on; `--clear` ends that.
 */
export async function use(invocation: Invocation): Promise<number> {
  const [name] = invocation.args;
  const isClearing = invocation.flags["--clear"] === true;
  if (isClearing && name !== undefined) {
    throw new CommandError(
      EXIT.wrongUsage,
      "MEMBERSHIP and --clear exclude each other",
      "plexd use --help",
    );
  }
  if (isClearing) return clear(invocation);
  if (name !== undefined) return await choose(invocation, name);
  return await tell(invocation);
}

async function choose(invocation: Invocation, name: string): Promise<number> {
  const { session } = invocation.terminal;
  if (!session) throw withoutTerminal();
  const { config, problems } = await invocation.inspectedConfig();
  if (!config) throw new ConfigError(problems);
  const { data_dir: dataDir } = config;
  check(name, dataDir, knownMemberships(dataDir));
  const { clock } = invocation.platform(config);
  changeChoices(
    choicesFile(stateHome("a choice")),
    clock,
    (choices) =>
      withChoice(choices, session, { cluster: name, dataDir, clock }),
  );
  invocation.print(`this terminal uses membership ${name}`);
  const outdone = await outdoneBy(invocation);
  if (outdone !== undefined) {
    invocation.complain(
      `plexd: ${outdone} counts before it, and says ${config.cluster}`,
    );
  }
  return EXIT.fine;
}

function clear({ terminal, platform, print }: Invocation): number {
  const { session } = terminal;
  if (session) {
    changeChoices(
      choicesFile(stateHome("a choice")),
      platform().clock,
      (choices) => without(choices, session),
    );
  }
  print("no membership is chosen in this terminal");
  return EXIT.fine;
}

async function tell(invocation: Invocation): Promise<number> {
  const { config, origins, problems } = await invocation.inspectedConfig();
  if (!config) throw new ConfigError(problems);
  const { choice } = invocation.terminal;
  const origin = origins.get("cluster");
  const { names, isPartial } = knownMemberships(config.data_dir);
  await show(invocation, {
    json: JSON.stringify({
      cluster: config.cluster,
      from: origin?.kind ?? "default",
      where: origin?.where ?? null,
      chosen: choice?.cluster ?? null,
      memberships: names,
      memberships_partial: isPartial,
    }),
    table: () =>
      `${config.cluster} (${
        origin?.where ?? "none is chosen in this terminal"
      })`,
  });
  return EXIT.fine;
}

/** What names a membership, and counts more than the choice of a terminal. */
async function outdoneBy(
  { flags, inspectedConfig }: Invocation,
): Promise<string | undefined> {
  const origin = (await inspectedConfig()).origins.get("cluster");
  const isNamed = flags["--config"] !== undefined ||
    Deno.env.has("PLEXD_CONFIG");
  const isMore = origin?.kind === "environment" ||
    (origin?.kind === "file" && isNamed);
  return isMore ? origin.where : undefined;
}

/** @throws {CommandError} when there is no such membership. */
function check(
  name: string,
  dataDir: string,
  { names, isPartial }: KnownMemberships,
): void {
  if (names.includes(name)) return;
  try {
    SETTINGS.cluster.read(name);
  } catch (error) {
    if (!(error instanceof SettingValueError)) throw error;
    throw new CommandError(EXIT.wrongUsage, `MEMBERSHIP: ${error.message}`);
  }
  const listed = names.length === 0 ? "there is none" : names.join(", ");
  throw new CommandError(
    EXIT.notFound,
    isPartial
      ? `no agent of a membership "${name}" runs, and this user may not look ` +
        `into ${dataDir}`
      : `there is no membership "${name}" in ${dataDir}`,
    isPartial ? `memberships with an agent: ${listed}` : `there are: ${listed}`,
  );
}

function withoutTerminal(): CommandError {
  return new CommandError(
    EXIT.failed,
    "there is no terminal here to choose a membership for",
    `name the session with ${SESSION_VARIABLE}, or the membership with ` +
      "--cluster or PLEXD_CLUSTER",
  );
}
