import type { DeviceReading } from "../pool/devices/device-reading.ts";
import { type DeviceBudget, deviceBudgets } from "../pool/ledger/device-budgets.ts";

/**
 * What each device has for models where no worker runs: the arithmetic that a worker begins with. With the figures
 * from before they stand still while little changes. Pure.
 */
export function deviceFigures(
  readings: readonly DeviceReading[],
  budgetBytes: number | undefined,
  previous?: readonly DeviceBudget[],
): readonly DeviceBudget[] {
  const settings = budgetBytes === undefined ? {} : { budgetBytes };
  return deviceBudgets({ readings, own: [], settings, othersUnused: [], previous }).parts;
}
