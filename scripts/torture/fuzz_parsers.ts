import { describeError } from "../../src/platform/log.ts";
import { answerTrials } from "./answer_trials.ts";
import { documentTrials } from "./document_trials.ts";
import { envelopeTrials } from "./envelope_trials.ts";
import type { Figures } from "./figures.ts";
import type { ParserTrial } from "./parser_trial.ts";
import { Seeded } from "./seeded.ts";
import { sseTrial } from "./sse_trial.ts";

/** More than this much live memory above that of the start is too much. */
const MOST_GROWTH_BYTES = 32 * 1024 * 1024;

/** Inputs between two looks at the memory. */
const LOOK_EVERY = 500;

/** So few inputs may be all taken, or all refused. */
const FEW = 1_000;

/** Every reader of what comes from a control plane. */
function allTrials(): ParserTrial[] {
  return [
    sseTrial(),
    ...envelopeTrials(),
    ...documentTrials(),
    ...answerTrials(),
  ];
}

/**
 * Gives every reader of what comes from a control plane inputs that are almost
 * right: each is taken or refused by an error of the reader's own, what is taken
 * holds what the input says, and memory does not grow.
 *
 * @param inputs For each reader.
 */
export async function fuzzParsers(
  figures: Figures,
  random: Seeded,
  inputs: number,
  tell: (line: string) => void = () => {},
): Promise<void> {
  for (const trial of allTrials()) {
    tell(`  ${trial.name} …`);
    await fuzz(trial, new Seeded(random.below(2 ** 32)), figures, inputs);
    figures.parsers++;
  }
}

async function fuzz(
  trial: ParserTrial,
  random: Seeded,
  figures: Figures,
  inputs: number,
): Promise<void> {
  const memory = new LiveMemory(inputs);
  let taken = 0;
  for (let done = 0; done < inputs; done++) {
    const { input, read } = trial.next(random);
    try {
      if (read()) taken++;
    } catch (error) {
      const start = JSON.stringify(shown(input)).slice(0, 300);
      figures.misread.push(
        `${trial.name}, input ${done}: ${describeError(error)} for ${start}`,
      );
      return;
    }
    figures.inputs++;
    if (done % LOOK_EVERY === 0) {
      memory.look(done);
      // Reading waits for nothing, and a signal is to end a run at any time.
      await new Promise((resolve) => setTimeout(resolve));
    }
  }
  const { growth } = memory;
  if (growth > MOST_GROWTH_BYTES) {
    figures.misread.push(`${trial.name}: ${growth} bytes are held at the end`);
  }
  const { takesAll = false } = trial;
  if (inputs >= FEW && (taken === 0 || takesAll !== (taken === inputs))) {
    figures.misread.push(`${trial.name}: ${taken} of ${inputs} were taken`);
  }
  figures.notes.push(`${trial.name}: ${taken} of ${inputs} taken`);
}

function shown(input: string | Uint8Array): string {
  return typeof input === "string" ? input : new TextDecoder().decode(input);
}

/** What is in use in the first and the last fifth of a run, less what waits for the collector. */
class LiveMemory {
  #first = Infinity;
  #last = Infinity;

  constructor(readonly inputs: number) {}

  look(done: number) {
    const { heapUsed, external } = Deno.memoryUsage();
    const used = heapUsed + external;
    if (done <= this.inputs / 5) this.#first = Math.min(this.#first, used);
    if (done >= this.inputs * 4 / 5) this.#last = Math.min(this.#last, used);
  }

  /** Bytes; 0 for a run too short to tell. */
  get growth(): number {
    return Number.isFinite(this.#last) ? this.#last - this.#first : 0;
  }
}
