import { parseDuration } from "../wire/duration.ts";
import { isIpAndPort } from "../wire/ip_port.ts";
import { nearest } from "./nearest.ts";

/** How one setting is written, read and explained. */
export interface Setting<T> {
  /** One line for help texts and `docs/configuration.md`. */
  readonly doc: string;
  /** What a value looks like, such as `duration` or `path`. */
  readonly form: string;
  /** As a person would write it; absent when there is none. */
  readonly defaultText?: string;
  readonly defaultValue: T;
  /**
   * Reads a value from YAML, or from the text of a variable or flag.
   *
   * @throws {SettingValueError} saying what is expected.
   */
  readonly read: (value: unknown) => T;
  /** Its value is never shown. @default {false} */
  readonly isSecret?: boolean;
}

/** A value that a setting cannot take. The message never repeats the value. */
export class SettingValueError extends Error {
  override readonly name = "SettingValueError";
}

interface Text {
  readonly default?: string;
  readonly form?: string;
  readonly matches?: RegExp;
  readonly expected?: string;
  readonly isSecret?: boolean;
}

export function text(
  doc: string,
  options: Text & { readonly default: string },
): Setting<string>;
export function text(doc: string, options?: Text): Setting<string | undefined>;
export function text(
  doc: string,
  options: Text = {},
): Setting<string | undefined> {
  const { form = "text", matches = /^[^\0]+$/s, expected = "a text" } = options;
  return {
    doc,
    form,
    ...(options.default === undefined ? {} : { defaultText: options.default }),
    defaultValue: options.default,
    ...(options.isSecret ? { isSecret: true } : {}),
    read(value) {
      if (typeof value === "string" && matches.test(value)) return value;
      throw new SettingValueError(`expected ${expected}`);
    },
  };
}

/** An absolute path of a file. */
export function path(
  doc: string,
  options: { readonly default: string },
): Setting<string>;
export function path(doc: string): Setting<string | undefined>;
export function path(
  doc: string,
  options: Text = {},
): Setting<string | undefined> {
  return text(doc, {
    ...options,
    form: "path",
    matches: /^\/[^\0]*$/,
    expected: "an absolute path",
  });
}

/** An address that needs no name service: `192.0.2.1:51820`, `[2001:db8::1]:51820`. */
export function ipAndPort(doc: string): Setting<string | undefined> {
  return {
    doc,
    form: "ip:port",
    defaultValue: undefined,
    read(value) {
      if (typeof value === "string" && isIpAndPort(value)) return value;
      throw new SettingValueError("expected ip:port or [ipv6]:port");
    },
  };
}

/** Four weeks: whoever writes more has mistaken the unit. */
const LONGEST_DURATION = "672h";
const LONGEST_DURATION_MS = parseDuration(LONGEST_DURATION)!;

/** A span of time, kept in ms. */
export function duration(
  doc: string,
  options: { readonly default: string; readonly min?: string },
): Setting<number> {
  const min = options.min ?? "1ms";
  return {
    doc,
    form: "duration",
    defaultText: options.default,
    defaultValue: parseDuration(options.default)!,
    read(value) {
      const ms = typeof value === "string" ? parseDuration(value) : undefined;
      const isInRange = ms !== undefined && ms >= parseDuration(min)! &&
        ms <= LONGEST_DURATION_MS;
      if (isInRange) return ms;
      throw new SettingValueError(
        `expected a duration such as 10s or 1m30s, from ${min} to ${LONGEST_DURATION}`,
      );
    },
  };
}

const UNIT_BYTES: Readonly<Record<string, number>> = {
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

/** An amount of bytes such as `4MiB`. */
export function size(
  doc: string,
  options: { readonly default: string },
): Setting<number> {
  const max = 2 ** 30;
  const parse = (value: string) => {
    const [, amount, unit] = /^(\d+)(KiB|MiB|GiB)?$/.exec(value) ?? [];
    return amount === undefined
      ? undefined
      : Number(amount) * (unit ? UNIT_BYTES[unit]! : 1);
  };
  return {
    doc,
    form: "size",
    defaultText: options.default,
    defaultValue: parse(options.default)!,
    read(value) {
      const bytes = typeof value === "number"
        ? parse(String(value))
        : typeof value === "string"
        ? parse(value)
        : undefined;
      if (bytes !== undefined && bytes >= 2 ** 10 && bytes <= max) return bytes;
      throw new SettingValueError(
        "expected a size such as 4MiB, from 1KiB to 1GiB",
      );
    },
  };
}

/** A whole number. */
export function count(
  doc: string,
  options: {
    readonly default: number;
    /** @default {1} */
    readonly min?: number;
    readonly max: number;
  },
): Setting<number> {
  const { min = 1, max } = options;
  return {
    doc,
    form: "number",
    defaultText: String(options.default),
    defaultValue: options.default,
    read(value) {
      const isText = typeof value === "string" && /^\d+$/.test(value);
      const number = isText ? Number(value) : value;
      if (
        typeof number === "number" && Number.isInteger(number) &&
        number >= min && number <= max
      ) return number;
      throw new SettingValueError(
        `expected a whole number from ${min} to ${max}`,
      );
    },
  };
}

/** What was true and false in YAML once, and is a text now. */
const YAML_1_1: ReadonlyMap<string, string> = new Map([
  ["yes", "true"],
  ["on", "true"],
  ["true", "true"],
  ["no", "false"],
  ["off", "false"],
  ["false", "false"],
]);

export function flag(
  doc: string,
  options: { readonly default: boolean },
): Setting<boolean> {
  return {
    doc,
    form: "true or false",
    defaultText: String(options.default),
    defaultValue: options.default,
    read(value) {
      if (typeof value === "boolean") return value;
      if (value === "true" || value === "1") return true;
      if (value === "false" || value === "0") return false;
      const meant = YAML_1_1.get(String(value).toLowerCase());
      throw new SettingValueError(
        "expected true or false" + (meant ? `; did you mean "${meant}"?` : ""),
      );
    },
  };
}

export function choice<const C extends readonly string[]>(
  doc: string,
  choices: C,
  options: { readonly default: C[number] },
): Setting<C[number]> {
  return {
    doc,
    form: choices.join(" | "),
    defaultText: options.default,
    defaultValue: options.default,
    read(value) {
      const found = choices.find((one) => one === String(value));
      if (found !== undefined) return found;
      const near = typeof value === "string"
        ? nearest(value, choices)
        : undefined;
      throw new SettingValueError(
        `expected one of ${choices.join(", ")}` +
          (near ? `; did you mean "${near}"?` : ""),
      );
    },
  };
}

/** A list of texts; in a variable they are separated by commas. */
export function texts(
  doc: string,
  options: Pick<Text, "matches" | "expected"> = {},
): Setting<readonly string[]> {
  const { matches = /^/, expected = "a text" } = options;
  return {
    doc,
    form: "list",
    defaultText: "[]",
    defaultValue: [],
    read(value) {
      const items: unknown = typeof value === "string"
        ? value.split(",").map((one) => one.trim()).filter((one) => one !== "")
        : value;
      const isItem = (one: unknown) =>
        typeof one === "string" && matches.test(one);
      if (Array.isArray(items) && items.every(isItem)) {
        return Object.freeze(items);
      }
      throw new SettingValueError(`expected a list, each item ${expected}`);
    },
  };
}

/** An object of texts. */
export function textMap(
  doc: string,
  options: Pick<Text, "matches" | "expected"> = {},
): Setting<Readonly<Record<string, string>>> {
  const { matches = /^/, expected = "a text" } = options;
  return {
    doc,
    form: "map",
    defaultText: "{}",
    defaultValue: {},
    read(value) {
      let object = value;
      if (typeof value === "string") {
        try {
          object = JSON.parse(value);
        } catch {
          throw new SettingValueError("expected a JSON object of texts");
        }
      }
      const fits = isTextMap(object) &&
        Object.values(object).every((one) => matches.test(one));
      if (fits) return Object.freeze(object);
      throw new SettingValueError(`expected names with ${expected} each`);
    },
  };
}

function isTextMap(value: unknown): value is Record<string, string> {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    Object.values(value).every((one) => typeof one === "string");
}
