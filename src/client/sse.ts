/** One block of an event stream; a heartbeat has a position and no data. */
export interface SseBlock {
  readonly event: string;
  readonly data: string;
  /** The last one that was given, also by an earlier block. */
  readonly id: string;
}

/** Far more than one event of the agent has. */
const MOST_CHARACTERS = 2 ** 20;

/**
 * Takes an event stream apart.
 *
 * @throws {RangeError} for a line without an end.
 * @see WHATWG HTML, section 9.2.6
 */
export async function* sseBlocks(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<SseBlock> {
  const decoder = new TextDecoder();
  let [rest, event, id] = ["", "", ""];
  let data: string[] = [];
  for await (const bytes of chunks) {
    rest += decoder.decode(bytes, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > MOST_CHARACTERS) {
      throw new RangeError("An event stream has a line without an end");
    }
    for (const ended of lines) {
      const line = ended.endsWith("\r") ? ended.slice(0, -1) : ended;
      if (line === "") {
        yield { event, data: data.join("\n"), id };
        [event, data] = ["", []];
        continue;
      }
      const [name, value] = fieldOf(line);
      if (name === "event") event = value;
      if (name === "data") data.push(value);
      if (name === "id") id = value;
    }
  }
}

/** The name of a comment is empty. */
function fieldOf(line: string): [name: string, value: string] {
  const colon = line.indexOf(":");
  if (colon < 0) return [line, ""];
  const value = line.slice(colon + 1);
  return [line.slice(0, colon), value.startsWith(" ") ? value.slice(1) : value];
}
