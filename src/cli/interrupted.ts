/** Aborted by Ctrl-C, by being asked to end, or when its terminal is gone. */
export function interrupted(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => stop.abort());
  return stop.signal;
}
