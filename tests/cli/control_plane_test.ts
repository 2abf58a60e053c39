import assert from "node:assert/strict";
import { runPlexd } from "./run_plexd.ts";

Deno.test("control-plane --without names surfaces that there are", async () => {
  const { code, stderr } = await runPlexd([
    "control-plane",
    "--without=events,heartbeat",
  ]);
  assert.equal(code, 2);
  assert.match(stderr, /--without names .*, not "heartbeat"/);
});

Deno.test("control-plane wants a longer silence before a node is unreachable", async () => {
  const { code, stderr } = await runPlexd([
    "control-plane",
    "--stale-after=5m",
    "--unreachable-after=5m",
  ]);
  assert.equal(code, 2);
  assert.match(stderr, /--unreachable-after must be longer than --stale-after/);
});

for (
  const [flags, said] of [
    [["--public-url=plane.example"], /--public-url is an http or https URL/],
    [["--public-url=https://u:hush@h"], /of host, port and path only/],
    [["--public-url=https://h/?hush"], /of host, port and path only/],
    [["--nats=127.0.0.1:4222"], /--nats names servers as nats:\/\/HOST:PORT/],
    [["--nats=nats://u:hush@h:1"], /--nats names servers as nats:/],
    [["--nats=nats://h:1", "--nats-advertise=h"], /--nats-advertise names/],
    [["--nats=tls://10.0.0.1:1"], /or as tls:\/\/NAME:PORT/],
    [["--nats=tls://[::1]:1"], /or as tls:\/\/NAME:PORT/],
    [["--nats-advertise=nats://h:1"], /--nats-advertise goes with --nats/],
    [["--nats=nats://h:1", "--nats-credentials-ttl=1s"], /from 10s to 24h/],
    [["--nats=nats://h:1", "--nats-credentials-ttl=2d"], /from 10s to 24h/],
  ] as const
) {
  Deno.test(`control-plane does not take ${flags.join(" ")}`, async () => {
    const { code, stderr } = await runPlexd(["control-plane", ...flags]);
    assert.equal(code, 2);
    assert.match(stderr, said);
    assert.doesNotMatch(stderr, /hush/);
  });
}

Deno.test("control-plane says which certificates it cannot read", async () => {
  const { code, stderr } = await runPlexd([
    "control-plane",
    "--nats=tls://h:1",
    "--nats-ca=/nowhere/ca.pem",
  ]);
  assert.equal(code, 78);
  assert.match(stderr, /--nats-ca cannot be read/);
});
