import assert from "node:assert/strict";
import { ProblemError } from "../../src/control_plane/http/problem.ts";
import { readText } from "../../src/control_plane/http/request_body.ts";
import { FakeClock } from "../fakes/fake_clock.ts";

for (const encoding of ["identity", "gzip"]) {
  Deno.test(`a client that leaves within its ${encoding} body is no failure of the server`, async () => {
    const clock = new FakeClock();
    const body = new ReadableStream({
      pull(controller) {
        controller.error(new Deno.errors.BadResource("connection lost"));
      },
    });
    const request = new Request("http://h/v1/register", {
      method: "POST",
      headers: { "content-encoding": encoding },
      body,
    });
    const stop = new AbortController().signal;
    await assert.rejects(
      readText(request, { clock, stop }),
      (error) =>
        error instanceof ProblemError && error.status === 400 &&
        error.code === "malformed_body",
    );
    assert.deepEqual(clock.sleeping, [], "no deadline is left");
  });
}
