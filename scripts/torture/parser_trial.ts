import { mangledJson, mangledText } from "./mangle.ts";
import type { Seeded } from "./seeded.ts";

/** One input of chance, and what reads it. */
export interface Attempt {
  readonly input: string | Uint8Array;
  /**
   * Reads the input.
   *
   * @returns whether it was taken; else it was refused as it should be.
   * @throws what a reader may not throw, or what does not hold of its answer.
   */
  read(): boolean;
}

/** One reader of what comes from a control plane, and inputs for it. */
export interface ParserTrial {
  readonly name: string;
  /** It makes something of every input. @default {false} */
  readonly takesAll?: boolean;
  next(random: Seeded): Attempt;
}

/** What {@linkcode textTrial} works with. */
export interface TextTrial<T> {
  readonly name: string;
  /** Texts that it takes. */
  readonly samples: readonly string[];
  /** Whether they are JSON, and mangled as such, too. @default {true} */
  readonly areJson?: boolean;
  readonly parse: (text: string) => T;
  /** The errors with which it may refuse a text; none where it takes all. */
  readonly refusals: readonly (abstract new (...args: never[]) => Error)[];
  /** Throws when what was read cannot be what the text says. */
  readonly check?: (read: T, text: string) => void;
}

/** A reader of texts: mangled samples, and now and then a sample itself. */
export function textTrial<T>(options: TextTrial<T>): ParserTrial {
  const { name, samples, areJson = true, parse, refusals, check } = options;
  return {
    name,
    takesAll: refusals.length === 0,
    next(random) {
      const sample = random.pick(samples);
      const kind = random.below(20);
      const input = kind === 0
        ? sample
        : areJson && kind < 14
        ? mangledJson(sample, random)
        : mangledText(sample, random);
      return {
        input,
        read() {
          let read: T;
          try {
            read = parse(input);
          } catch (error) {
            if (refusals.some((refusal) => error instanceof refusal)) {
              return false;
            }
            throw error;
          }
          check?.(read, input);
          return true;
        },
      };
    },
  };
}
