import assert from "node:assert/strict";
import { test } from "node:test";
import { TokenCalibration } from "./token-calibration.ts";

test("believes that the bound is too high after three reports, and stays a quarter over the worst of them", () => {
  const calibration = new TokenCalibration();
  calibration.note(1000, 400);
  calibration.note(1000, 480);
  assert.equal(calibration.correct(1000), 1000);
  calibration.note(1000, 300);
  assert.equal(calibration.correct(1000), 600);
  calibration.note(1000, 720);
  assert.equal(calibration.correct(1000), 900);
});

test("raises a bound that was too low at once, and does not forget it", () => {
  const calibration = new TokenCalibration();
  calibration.note(100, 120);
  assert.equal(calibration.correct(1000), 1500);
  for (let report = 0; report < 10; report++) calibration.note(1000, 300);
  assert.equal(calibration.correct(1000), 1500);
});

test("learns nothing from prompts that are mostly template", () => {
  const calibration = new TokenCalibration();
  for (let report = 0; report < 10; report++) calibration.note(60, 12);
  assert.equal(calibration.correct(1000), 1000);
});
