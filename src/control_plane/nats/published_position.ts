import * as z from "zod/mini";
import { checkShape } from "../../wire/shape_error.ts";
import type { Storage } from "../storage/storage.ts";

/** Setting that holds a {@linkcode PublishedPosition}. */
const SETTING = "message_bus_position";

const positionSchema = z.object({
  /** Of the control plane's history that the sequences count in. */
  epoch: z.number(),
  /** All events up to this one are on the bus, or not for it. */
  sequence: z.number(),
  /** Of the stream that they are in. */
  stream_created: z.string(),
  /** Sequence of the newest one of them there. */
  stream_sequence: z.number(),
});

/** How far the events have come on the bus. */
export type PublishedPosition = z.infer<typeof positionSchema>;

export async function loadPosition(
  storage: Storage,
): Promise<PublishedPosition | undefined> {
  const text = await storage.read(async ({ settings }) =>
    await settings.get(SETTING)
  );
  if (text === undefined) return undefined;
  return checkShape("position on the bus", positionSchema, JSON.parse(text));
}

export async function savePosition(
  storage: Storage,
  position: PublishedPosition,
): Promise<void> {
  await storage.write(async ({ settings }) =>
    await settings.set(SETTING, JSON.stringify(position))
  );
}
