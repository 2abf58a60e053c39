import assert from "node:assert/strict";
import { systemRandom, uuidV7 } from "../../src/platform/random.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";

Deno.test("uuidV7() has time, version and variant where RFC 9562 puts them", () => {
  // The example of RFC 9562, appendix A.6, has this time.
  const id = uuidV7(new FakeClock(0x017f22e279b0), new FakeRandom());
  assert.equal(id, "017f22e2-79b0-7708-890a-0b0c0d0e0f10");
});

Deno.test("uuidV7() sorts by time and never repeats", () => {
  const clock = new FakeClock();
  const ids = Array.from({ length: 100 }, () => {
    clock.jump(1);
    return uuidV7(clock, systemRandom);
  });
  assert.deepEqual(ids.toSorted(), ids);
  assert.equal(new Set(ids).size, 100);
});

Deno.test("systemRandom gives bytes of the asked length and units below 1", () => {
  assert.equal(systemRandom.bytes(24).length, 24);
  assert.notDeepEqual(systemRandom.bytes(24), systemRandom.bytes(24));
  const unit = systemRandom.unit();
  assert(unit >= 0 && unit < 1);
});
