import { ConfigError } from "../config/config_error.ts";
import type { Config } from "../config/settings.ts";
import { EXIT, type Invocation } from "./command.ts";
import { LocalCallError } from "../client/errors.ts";
import { plain } from "./output/text_width.ts";
import { show } from "./output/show.ts";
import { span } from "./output/span.ts";
import { documentIn, statusOf } from "./status.ts";
import type { Problem } from "./problem.ts";
import { endText, heldBy, stoppedAgent } from "./stopped_agent.ts";
import { worstProblem } from "./worst_problem.ts";

/** A problem, and the exit code that stands for it. */
interface Verdict {
  readonly exitCode: number;
  /** Absent when all is well. */
  readonly problem?: Problem;
  /** Said instead. */
  readonly well?: string;
}

/**
 * `plexd why`: the worst problem in one sentence, and what to do. Exits 0 when
 * all is well, 1 when it is not, and as every command when the agent does not
 * run (4), has not joined (77) or has a bad configuration (78).
 */
export async function why(invocation: Invocation): Promise<number> {
  const { exitCode, problem, well } = await verdict(invocation);
  await show(invocation, {
    json: JSON.stringify({ well: problem === undefined, ...problem }),
    table: () =>
      problem
        ? `${plain(problem.sentence)}\n  ${plain(problem.advice)}`
        : well ?? "All is well.",
  });
  return exitCode;
}

async function verdict(invocation: Invocation): Promise<Verdict> {
  let config: Config;
  try {
    config = await invocation.config();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { exitCode: EXIT.badConfiguration, problem: ofConfig(error) };
  }
  const now = invocation.platform(config).clock.now();
  const answer = await statusOf(config);
  if (answer instanceof LocalCallError) return ofStopped(config, answer, now);
  const status = documentIn(answer);
  const problem = worstProblem(status, now);
  if (problem) {
    const exitCode = problem.reason === "not_enrolled"
      ? EXIT.notEnrolled
      : EXIT.failed;
    return { exitCode, problem };
  }
  const forMs = now - Date.parse(status.since);
  return { exitCode: EXIT.fine, well: `All is well, for ${span(forMs)}.` };
}

function ofConfig({ problems }: ConfigError): Problem {
  const [first] = problems;
  const more = problems.length - 1;
  return {
    reason: "bad_configuration",
    sentence:
      `The configuration cannot be used: ${first?.where}: ${first?.what}${
        more > 0 ? ` (and ${more} more)` : ""
      }.`,
    advice: '"plexd config check" tells all that is wrong with it',
  };
}

function ofStopped(
  config: Config,
  { message }: LocalCallError,
  nowMs: number,
): Verdict {
  const { lastRun, stored } = stoppedAgent(config);
  const { holder, run, health } = lastRun;
  const socket = config["node_api.socket_path"];
  if (holder && !stored?.identity) {
    return {
      exitCode: EXIT.notEnrolled,
      problem: {
        reason: "not_enrolled",
        sentence: `The agent (${heldBy(holder)}) is trying to join, and has ` +
          "not been accepted yet.",
        advice: '"plexd logs" says how each try goes',
      },
    };
  }
  if (holder) {
    return {
      exitCode: EXIT.agentNotRunning,
      problem: {
        reason: "no_answer",
        sentence: `${message}, but ${heldBy(holder)} holds the membership: ` +
          "it is starting, ending, or serves another socket.",
        advice: '"plexd logs" tells which; "plexd config show" names the ' +
          `socket that this configuration means (${socket})`,
      },
    };
  }
  if (!stored?.identity) {
    return {
      exitCode: EXIT.notEnrolled,
      problem: {
        reason: "not_enrolled",
        sentence:
          `The agent is not running, and there is no enrolled node in ${config.data_dir}.`,
        advice: 'put a one-time token in place and run "plexd join"; another ' +
          "folder is named with --data-dir",
      },
    };
  }
  const [last] = health?.reasons ?? [];
  const then = last ? `; then: ${last.reason}: ${last.detail}` : "";
  const isOwn = typeof run?.stoppedAt === "string" && !run.failed;
  return {
    exitCode: EXIT.agentNotRunning,
    problem: {
      reason: "not_running",
      sentence: `The agent is not running: ${endText(lastRun, nowMs)}${then}.`,
      advice: isOwn
        ? 'start it with "plexd up", or "systemctl start plexd"'
        : '"plexd logs" says how it ended; start it with "plexd up", or ' +
          '"systemctl start plexd"',
    },
  };
}
