import assert from "node:assert/strict";
import { registrationDialectFrom } from "../../src/agent/join_dialect.ts";
import { ConfigError } from "../../src/config/config_error.ts";
import { loadConfig } from "../../src/config/load_config.ts";

const PROJECT = "0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a2";
const RESOURCE = {
  PLEXD_REGISTRATION_PROJECT_ID: PROJECT,
  PLEXD_REGISTRATION_RESOURCE_HANDLE: "rack-7/node-3",
};

async function from(env: Readonly<Record<string, string>>) {
  const file = { path: "/nowhere/config.yaml", required: false };
  const { config } = await loadConfig({ file, env, flags: {} });
  return registrationDialectFrom(config);
}

const resource = { projectId: PROJECT, resourceHandle: "rack-7/node-3" };

Deno.test("the dialect to join in is open until somebody settles it", async () => {
  assert.deepEqual(await from({}), { dialect: "auto" });
  assert.deepEqual(await from(RESOURCE), { dialect: "auto", resource });
  assert.deepEqual(
    await from({ ...RESOURCE, PLEXD_API_DIALECT: "1" }),
    { dialect: 1 },
  );
  assert.deepEqual(
    await from({
      ...RESOURCE,
      PLEXD_API_DIALECT: "2",
      PLEXD_REGISTRATION_REQUESTED_RESOURCE_ID: "r-1",
    }),
    { dialect: 2, resource: { ...resource, requestedResourceId: "r-1" } },
  );
});

Deno.test("half a resource is none", async () => {
  for (const [name, value] of Object.entries(RESOURCE)) {
    assert.deepEqual(await from({ [name]: value }), { dialect: "auto" });
  }
});

Deno.test("joining in dialect 2 without a resource names every setting that is missing", async () => {
  await assert.rejects(from({ PLEXD_API_DIALECT: "2" }), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.deepEqual(error.problems.map(({ where }) => where), [
      "registration.project_id",
      "registration.resource_handle",
    ]);
    return true;
  });
});

Deno.test("a project that is no UUID is refused", async () => {
  await assert.rejects(
    from({ PLEXD_REGISTRATION_PROJECT_ID: "p-1" }),
    ConfigError,
  );
});
