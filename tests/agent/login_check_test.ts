import assert from "node:assert/strict";
import { LoginCheck, type LoginState } from "../../src/agent/login_check.ts";
import { FakeClock } from "../fakes/fake_clock.ts";

function checked(ask: (signal: AbortSignal) => Promise<unknown>) {
  const clock = new FakeClock();
  const login = new LoginCheck(clock);
  const changes: [LoginState, LoginState][] = [];
  const use = {
    bearer: "bearer",
    fingerprint: "sha256:1",
    ask,
    changed: (from: LoginState, to: LoginState) => changes.push([from, to]),
  };
  login.use(use);
  return { clock, login, changes, use };
}

const never = () => Promise.reject(new Error("not asked for"));

Deno.test("LoginCheck takes 2xx and 404 for good, 401 for bad, and all else for nothing", () => {
  const { login, changes } = checked(never);
  const steps: [number, LoginState][] = [
    [500, "unknown"],
    [403, "unknown"],
    [404, "ok"],
    [503, "ok"],
    [200, "ok"],
    [429, "ok"],
    [401, "invalid"],
    [401, "invalid"],
    [403, "invalid"],
    [502, "invalid"],
    [204, "ok"],
  ];
  for (const [status, state] of steps) {
    login.answered(status, "bearer");
    assert.equal(login.status().check, state, String(status));
  }
  assert.deepEqual(changes, [
    ["unknown", "ok"],
    ["ok", "invalid"],
    ["invalid", "ok"],
  ]);
});

Deno.test("LoginCheck hears only of answers to the credentials in use", () => {
  const { login, use } = checked(never);
  login.answered(401, undefined);
  login.answered(401, "of a former identity");
  assert.equal(login.status().check, "unknown");
  login.answered(200, "bearer");
  login.use({ ...use });
  assert.equal(login.status().check, "ok", "the parts began anew");
  login.use({ ...use, bearer: "other", fingerprint: "sha256:2" });
  assert.deepEqual(login.status(), {
    check: "unknown",
    at: null,
    fingerprint: "sha256:2",
  });
  login.use(undefined);
  assert.equal(login.status().fingerprint, null);
});

Deno.test("LoginCheck asks once for all who want to know, and not again at once", async () => {
  let asked = 0;
  const { clock, login } = checked(() => {
    asked++;
    return Promise.reject(new Error("unreachable"));
  });
  await Promise.all([login.probe(), login.probe(), login.probe()]);
  await login.probe();
  assert.equal(asked, 1);
  await clock.advance(10_000);
  await login.probe();
  assert.equal(asked, 2);
  login.answered(200, "bearer");
  await clock.advance(10_000);
  await login.probe();
  assert.equal(asked, 2);
  assert.deepEqual(clock.sleeping, []);
});

Deno.test("LoginCheck keeps nobody waiting for a control plane that is silent", async () => {
  const { clock, login } = checked((signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    })
  );
  const probing = login.probe();
  await clock.advance(3_000);
  await probing;
  assert.equal(login.status().check, "unknown");
});
