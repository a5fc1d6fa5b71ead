const WITHOUT_TERMINAL = 80;

/** Columns that standard output shows. */
export function terminalWidth(): number {
  return process.stdout.columns ?? WITHOUT_TERMINAL;
}
