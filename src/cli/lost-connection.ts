/** Errors of the connection, as opposed to errors of what was asked through it. */
export function isLostConnection(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error ? String(error.code) : "";
  // 57P01 … 57P03: the server ends or starts; 08…: connection exceptions.
  // 53100: its disk is full, and so the worker is about to end and to say so.
  if (/^(53100|57P0[123]|08|ECONNREFUSED|ECONNRESET|ENOENT|EPIPE|ETIMEDOUT)/.test(code)) return true;
  return /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error/i.test(
    error.message,
  );
}
