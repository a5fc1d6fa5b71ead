import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { mergeSettings, readSettings } from "./settings.ts";

const root = mkdtempSync(join(tmpdir(), "atos-settings-"));
after(() => rmSync(root, { recursive: true, force: true }));

test("flags win over the environment, the workspace, the user's file and the defaults, and each tells where it came from", async () => {
  const workspace = join(root, "workspace");
  const configDirectory = join(root, "config");
  mkdirSync(join(workspace, ".atos"), { recursive: true });
  mkdirSync(configDirectory);
  writeFileSync(join(workspace, ".atos", "config.yaml"), "model: from-workspace\nroster: from-workspace\n");
  writeFileSync(join(configDirectory, "config.yaml"), "roster: from-user\ncontext_tokens: 8192\n");

  const settings = await readSettings(
    { model: undefined },
    { env: { ATOS_MODEL: "from-env" }, workspace, configDirectory },
  );
  assert.equal(settings.model, "from-env");
  assert.equal(settings.roster, "from-workspace");
  assert.equal(settings.contextTokens, 8192);
  assert.deepEqual(settings.origins.context_tokens, { value: 8192, from: join(configDirectory, "config.yaml") });
  assert.deepEqual(settings.origins.worker_idle_seconds, { value: 60, from: "default" });
});

test("an unknown key and a bad value are named, with their source", () => {
  assert.throws(() => mergeSettings([{ from: "here.yaml", values: { modle: "x" } }]), /here\.yaml[\s\S]*modle/);
  assert.throws(() => mergeSettings([{ from: "environment", values: { context_tokens: "many" } }]), {
    code: "cli/bad-setting",
    exitCode: 2,
  });
});

test("a number may be text, and what is empty is no number", () => {
  assert.equal(mergeSettings([{ from: "environment", values: { worker_idle_seconds: "1.5" } }]).workerIdleSeconds, 1.5);
  for (const value of ["", " ", null, true])
    assert.throws(() => mergeSettings([{ from: "environment", values: { worker_idle_seconds: value } }]), {
      code: "cli/bad-setting",
      message: /environment[\s\S]*worker_idle_seconds/,
    });
});

test("a budget is a size, and what is none is refused with what it should be", () => {
  const { budget, maxWaitSeconds } = mergeSettings([{ from: "flag", values: { budget: "3.5 GB" } }]);
  assert.deepEqual(
    { budget, maxWaitSeconds },
    { budget: { text: "3.5 GB", bytes: 3.5 * 2 ** 30 }, maxWaitSeconds: 600 },
  );
  assert.equal(mergeSettings([]).budget, undefined);
  for (const value of ["much", "", 4, "4"])
    assert.throws(() => mergeSettings([{ from: "environment", values: { budget: value } }]), {
      code: "cli/bad-setting",
      message: /environment: ATOS_BUDGET is .*: must be a size such as 4gb/,
    });
});

test("a settings file that is not YAML is an error, not a default", async () => {
  const configDirectory = join(root, "broken");
  mkdirSync(configDirectory);
  writeFileSync(join(configDirectory, "config.yaml"), "model: [");
  await assert.rejects(readSettings({}, { env: {}, workspace: root, configDirectory }), { code: "cli/bad-setting" });
});

test("how code is confined is the user's to say, never a cloned repository's", async () => {
  const settings = mergeSettings([{ from: "flag", values: { sandbox: "docker", sandbox_image: "an/image:1" } }]);
  assert.deepEqual(settings.sandbox, { level: "docker", image: "an/image:1" });
  assert.deepEqual(mergeSettings([]).sandbox, { level: undefined, image: "node:24-bookworm" });
  for (const values of [{ sandbox: "none" }, { sandbox_image: "--privileged" }])
    assert.throws(() => mergeSettings([{ from: "flag", values }]), { code: "cli/bad-setting" });
  const workspace = mkdtempSync(join(tmpdir(), "atos-settings-"));
  try {
    mkdirSync(join(workspace, ".atos"));
    writeFileSync(join(workspace, ".atos", "config.yaml"), "sandbox: docker\n");
    await assert.rejects(readSettings({}, { env: {}, workspace, configDirectory: join(workspace, "none") }), {
      code: "cli/bad-setting",
      message: /sandbox can't be set by a workspace/,
    });
  } finally {
    rmSync(workspace, { recursive: true });
  }
});

test("package registries are addresses, and the user's to say", async () => {
  const values = { npm_registry: "https://h/npm", pip_index: "http://10.0.0.7/simple/" };
  const settings = mergeSettings([{ from: "environment", values }]);
  assert.deepEqual([settings.npmRegistry, settings.pipIndex], ["https://h/npm", "http://10.0.0.7/simple/"]);
  assert.throws(() => mergeSettings([{ from: "environment", values: { pip_index: "https://me:key@h/" } }]), {
    code: "cli/bad-setting",
    message: /^environment: ATOS_PIP_INDEX.*must be an https or http address without a name/,
  });
  const workspace = join(root, "with-a-registry");
  mkdirSync(join(workspace, ".atos"), { recursive: true });
  writeFileSync(join(workspace, ".atos", "config.yaml"), "npm_registry: https://elsewhere.example/\n");
  await assert.rejects(readSettings({}, { env: {}, workspace, configDirectory: join(workspace, "none") }), {
    message: /npm_registry can't be set by a workspace/,
  });
});

test("where questions go and how long they wait can be set by the user and not by a workspace", async () => {
  const [workspace, configDirectory] = [join(root, "cloned"), join(root, "mine")];
  mkdirSync(join(workspace, ".atos"), { recursive: true });
  mkdirSync(configDirectory);
  writeFileSync(join(configDirectory, "config.yaml"), "approval_webhook: https://h/x\napproval_expires_minutes: 5\n");
  const settings = await readSettings({}, { env: {}, workspace, configDirectory });
  assert.deepEqual([settings.approvalWebhook, settings.approvalExpiresMinutes], ["https://h/x", 5]);
  assert.equal(mergeSettings([]).approvalExpiresMinutes, 1440);
  writeFileSync(join(workspace, ".atos", "config.yaml"), "approval_webhook: https://other/x\n");
  await assert.rejects(readSettings({}, { env: {}, workspace, configDirectory }), {
    code: "cli/bad-setting",
    message: /approval_webhook can't be set by a workspace/,
  });
  assert.throws(() => mergeSettings([{ from: "flag", values: { approval_webhook: "http://h/x" } }]), {
    message: /must be an https address/,
  });
});

test("a workspace can't have the person's key sent to a model or a roster of its own choice", async () => {
  const [workspace, configDirectory] = [join(root, "greedy"), join(root, "keys")];
  for (const folder of [join(workspace, ".atos"), configDirectory]) mkdirSync(folder, { recursive: true });
  const own = join(workspace, ".atos", "config.yaml");
  writeFileSync(join(configDirectory, "config.yaml"), "api_key_variable: MY_KEY\nmodel: http://mine/v1\n");
  const read = () => readSettings({}, { env: {}, workspace, configDirectory });
  writeFileSync(own, "api_key_file: /home/me/.ssh/id\n");
  await assert.rejects(read(), { message: /api_key_file can't be set by a workspace/ });
  writeFileSync(own, "samples: 3\n");
  assert.equal((await read()).apiKeyVariable, "MY_KEY");
  writeFileSync(own, "model: http://elsewhere/v1\n");
  assert.equal((await read()).apiKeyVariable, undefined);
  writeFileSync(own, "roster: theirs.yaml\n");
  assert.equal((await read()).rosterIsWorkspaces, true);
});
