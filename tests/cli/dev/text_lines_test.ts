import assert from "node:assert/strict";
import { TextLineStream } from "../../../src/cli/dev/text_lines.ts";

Deno.test("TextLineStream gives the same lines wherever the text is cut", async () => {
  const text = "one\ntwo\n\nthree";
  for (let cut = 0; cut <= text.length; cut++) {
    const pieces = ReadableStream.from([text.slice(0, cut), text.slice(cut)]);
    const lines = await Array.fromAsync(
      pieces.pipeThrough(new TextLineStream()),
    );
    assert.deepEqual(lines, ["one", "two", "", "three"], `cut at ${cut}`);
  }
});
