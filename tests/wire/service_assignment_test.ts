import assert from "node:assert/strict";
import { contentParser, grantedBy } from "../../src/wire/content_parser.ts";
import {
  MAX_REFS,
  MAX_SERVICES,
  type ServiceAssignment,
  serviceMembers,
  servicesAt,
} from "../../src/wire/service_assignment.ts";
import { ShapeError } from "../../src/wire/shape_error.ts";

const WEB: ServiceAssignment = {
  name: "web",
  roles: ["edge"],
  version: "1.2.0",
  desiredState: "running",
  policyRefs: ["ssh"],
  resourceRefs: ["volume:web"],
  connectorRefs: ["vpn-1"],
  expiresAt: "2026-03-02T12:00:00Z",
};

const BARE = {
  1: '"policies":[]',
  2: '"peers":[],"policy":null,"bridge":null,"state":null,"reports":null',
} as const;

function parse(dialect: 1 | 2, services?: unknown) {
  const more = services === undefined
    ? ""
    : `,"services":${JSON.stringify(services)}`;
  return contentParser(dialect)(`{${BARE[dialect]}${more}}`).services;
}

for (const dialect of [1, 2] as const) {
  Deno.test(`a state of dialect ${dialect} may assign services`, () => {
    assert.deepEqual(parse(dialect, [serviceMembers(WEB)]), [WEB]);
    assert.deepEqual(parse(dialect, []), []);
    assert.equal(parse(dialect), undefined);
    assert.equal(parse(dialect, null), undefined);
  });

  Deno.test(`services of dialect ${dialect} need a name and a desired state only`, () => {
    assert.deepEqual(
      parse(dialect, [{ name: "a", desired_state: "stopped" }]),
      [
        {
          name: "a",
          roles: [],
          version: "",
          desiredState: "stopped",
          policyRefs: [],
          resourceRefs: [],
          connectorRefs: [],
        },
      ],
    );
  });
}

const many = (count: number) =>
  Array.from({ length: count }, (_, at) => ({
    ...serviceMembers(WEB),
    name: `s${at}`,
  }));

const BAD: readonly { readonly why: string; readonly services: unknown }[] = [
  { why: "no name", services: [{ desired_state: "running" }] },
  { why: "an empty name", services: [{ ...serviceMembers(WEB), name: "" }] },
  { why: "no desired state", services: [{ name: "a" }] },
  { why: "a name twice", services: [serviceMembers(WEB), serviceMembers(WEB)] },
  { why: "more than the bound", services: many(MAX_SERVICES + 1) },
  {
    why: "too many references",
    services: [{
      ...serviceMembers(WEB),
      policy_refs: Array(MAX_REFS + 1).fill("p"),
    }],
  },
  {
    why: "a time that is none",
    services: [{ ...serviceMembers(WEB), expires_at: "2026-02-30" }],
  },
  { why: "no list", services: { web: serviceMembers(WEB) } },
];

for (const { why, services } of BAD) {
  Deno.test(`services with ${why} refuse the whole state`, () => {
    assert.throws(() => parse(1, services), ShapeError);
  });
}

Deno.test("as many services as the bound allows are read", () => {
  assert.equal(parse(1, many(MAX_SERVICES))?.length, MAX_SERVICES);
});

Deno.test("servicesAt() leaves out what is over", () => {
  const { expiresAt: _, ...lasting } = { ...WEB, name: "db" };
  const end = Date.parse("2026-03-02T12:00:00Z");
  assert.deepEqual(servicesAt([WEB, lasting], end - 1), [WEB, lasting]);
  assert.deepEqual(servicesAt([WEB, lasting], end), [lasting]);
});

for (const dialect of [1, 2] as const) {
  Deno.test(`grantedBy() finds peers, policies and services among all else in dialect ${dialect}`, () => {
    const policies = dialect === 1
      ? '"policies":[{"id":"ssh","rules":[ 1.0 ]}]'
      : '"policy":{"revision_id":"ssh","rules":[ 1.0 ]}';
    const services = JSON.stringify([serviceMembers(WEB)]);
    const peer = dialect === 1 ? '"id":"x"' : '"node_id":"x"';
    const more = `"metadata":{"a":"b"},"peers":[{${peer},` +
      '"public_key":"k","mesh_ip":"10.0.0.2"}]';
    const content = `{${more},${policies},"services":${services}}`;
    assert.deepEqual(grantedBy(content, dialect), {
      peers: [{
        id: "x",
        publicKey: "k",
        meshIp: "10.0.0.2",
        endpoint: "",
        allowedIps: [],
      }],
      policies: [{ id: "ssh", rules: "[ 1.0 ]" }],
      services: [WEB],
    });
    assert.deepEqual(grantedBy(`{${more},${policies}}`, dialect).services, []);
  });
}
