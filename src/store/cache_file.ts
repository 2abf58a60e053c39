import * as z from "zod/mini";
import { describeError } from "../platform/log.ts";
import { parseShape, ShapeError } from "../wire/shape_error.ts";
import { type Disk, readIfThere } from "./disk.ts";
import { replaceFile } from "./replace_file.ts";
import type { StoreContext } from "./store_context.ts";
import { StoreWriteError } from "./store_errors.ts";
import { checkSum, withSum } from "./summed_json.ts";
import { isShortage } from "./typed_reads.ts";

/** Turns the entries of one format into those that are used. */
export type ReadEntries<Entry> = (entries: unknown) => Entry[];

/** What a cache's file looks like, and how large it may get. */
export interface CacheForm<Entry> {
  /** Path below the membership's folder. */
  readonly file: string;
  /** What it holds, in words, for errors. */
  readonly what: string;
  /**
   * Reads each format there ever was, the latest one last: what an older
   * version has left is taken over, and written in the latest format.
   *
   * Each throws {@linkcode ShapeError} for anything else.
   */
  readonly formats: readonly ReadEntries<Entry>[];
  /** The members of one entry, in the latest format. */
  readonly members: (entry: Entry) => unknown;
  readonly maxEntries: number;
  /** Of all entries' text. */
  readonly maxBytes: number;
}

const headSchema = z.object({ format: z.int(), entries: z.unknown() });

/**
 * A bounded file of hints, which can be lost without harm: a damaged one is set
 * aside, told, and begun anew. Nothing in it may grant anything, since its sum
 * protects it from accidents only.
 *
 * @see seed Node Local State Store, sections 2 and 7
 */
export class CacheFile<Entry> {
  readonly #context: StoreContext;
  readonly #form: CacheForm<Entry>;
  #entries: readonly Entry[];
  /** As it is on disk, where no file is an empty one; undefined if unknown. */
  #text: string | undefined;

  private constructor(
    context: StoreContext,
    form: CacheForm<Entry>,
    entries: readonly Entry[],
    text: string | undefined,
  ) {
    this.#context = context;
    this.#form = form;
    this.#entries = entries;
    this.#text = text;
  }

  /** Opens the file, which may be missing. */
  static open<Entry>(
    context: StoreContext,
    form: CacheForm<Entry>,
  ): CacheFile<Entry> {
    const { disk, root, damaged, recovered } = context;
    try {
      const { entries, text } = read(disk, root, form) ??
        { entries: [], text: textOf(form, []) };
      return new CacheFile(context, form, entries, text);
    } catch (error) {
      if (isShortage(error)) throw error;
      const what = describeError(error);
      const action = `${damaged.setAside(form.file)}; it is rebuilt`;
      recovered({ file: form.file, what, action });
      return new CacheFile(context, form, [], undefined);
    }
  }

  /** As they were last stored. */
  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /**
   * Stores entries, the most useful ones first: what exceeds the bounds is left
   * out from the end. What is as on disk is not written.
   *
   * @returns how many are stored.
   * @throws {StoreWriteError} when it could not be made durable.
   */
  async save(entries: readonly Entry[]): Promise<number> {
    const kept = fitting(this.#form, entries);
    const text = textOf(this.#form, kept);
    if (text === this.#text) return kept.length;
    const { disk, temp, folders } = this.#context;
    const { file, what } = this.#form;
    try {
      this.#text = undefined;
      await replaceFile(disk, temp, folders.target(file), withSum(text).bytes);
    } catch (error) {
      throw new StoreWriteError(what, error);
    }
    this.#text = text;
    this.#entries = kept;
    return kept.length;
  }
}

/**
 * The entries of a cache's file, as they are; undefined when there is none.
 *
 * @throws {ShapeError} unless every byte is as it was written, in a format that
 * this version knows.
 */
export function readCache<Entry>(
  disk: Disk,
  root: string,
  form: CacheForm<Entry>,
): Entry[] | undefined {
  return read(disk, root, form)?.entries;
}

function read<Entry>(
  disk: Disk,
  root: string,
  form: CacheForm<Entry>,
): { readonly entries: Entry[]; readonly text: string } | undefined {
  const bytes = readIfThere(disk, `${root}/${form.file}`);
  if (!bytes) return undefined;
  const checked = checkSum(bytes);
  if (!checked) throw new ShapeError("its sum is wrong");
  const { format, entries } = parseShape(form.what, headSchema, checked.text);
  const decode = form.formats[format - 1];
  if (!decode) throw new ShapeError(`format ${format} is not known`);
  return { entries: decode(entries), text: checked.text };
}

function textOf<Entry>(
  { formats, members }: CacheForm<Entry>,
  entries: readonly Entry[],
): string {
  const lines = entries.map((entry) => JSON.stringify(members(entry)));
  return `{"format":${formats.length},"entries":[${lines.join(",\n")}]}`;
}

function fitting<Entry>(
  { members, maxEntries, maxBytes }: CacheForm<Entry>,
  entries: readonly Entry[],
): readonly Entry[] {
  const encoder = new TextEncoder();
  let room = maxBytes;
  const end = entries.slice(0, maxEntries).findIndex((entry) => {
    room -= encoder.encode(JSON.stringify(members(entry))).length + 2;
    return room < 0;
  });
  return entries.slice(0, end < 0 ? maxEntries : end);
}
