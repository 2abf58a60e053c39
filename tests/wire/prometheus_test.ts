import assert from "node:assert/strict";
import { Histogram, metricsText } from "../../src/wire/prometheus.ts";

Deno.test("metricsText() writes what Prometheus reads", () => {
  assert.equal(
    metricsText([{
      name: "a_total",
      help: "One\nand \\ two.",
      type: "counter",
      samples: [
        { value: 1 },
        { labels: { x: 'a"b\\c\nd', y: "z" }, value: 0.5 },
      ],
    }, { name: "b", help: "None.", type: "gauge", samples: [] }]),
    "# HELP a_total One\\nand \\\\ two.\n" +
      "# TYPE a_total counter\n" +
      "a_total 1\n" +
      'a_total{x="a\\"b\\\\c\\nd",y="z"} 0.5\n' +
      "# HELP b None.\n# TYPE b gauge\n",
  );
});

Deno.test("Histogram counts all that is no longer than each bound", () => {
  const times = new Histogram([0.1, 1]);
  for (const seconds of [0.05, 0.1, 0.5, 1, 7]) times.add(seconds);
  const text = metricsText([{
    name: "t_seconds",
    help: "T.",
    type: "histogram",
    samples: times.samples({ a: "b" }),
  }]);
  assert.deepEqual(text.trim().split("\n").slice(2), [
    't_seconds_bucket{a="b",le="0.1"} 2',
    't_seconds_bucket{a="b",le="1"} 4',
    't_seconds_bucket{a="b",le="+Inf"} 5',
    't_seconds_sum{a="b"} 8.65',
    't_seconds_count{a="b"} 5',
  ]);
});
