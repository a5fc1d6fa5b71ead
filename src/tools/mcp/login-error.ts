import {
  InsecureTokenEndpointError,
  IssuerMismatchError,
  OAuthError,
  RegistrationRejectedError,
} from "@modelcontextprotocol/client";
import { AtosError, EXIT, missingError } from "../../base/errors.ts";

/** A person must log in before the server can be used. */
export function loginNeeded(name: string): AtosError {
  const quoted = /^[\w.-]+$/.test(name) ? name : JSON.stringify(name);
  return missingError(
    "tools/login-needed",
    `the server ${name} of mcp.json wants a log-in; run: atos mcp --login ${quoted}`,
  );
}

export function loginFailed(name: string, why: string): AtosError {
  return new AtosError("tools/login-failed", `the log-in at the server ${name} of mcp.json failed: ${why}`, {
    exitCode: EXIT.failed,
  });
}

/**
 * Why a log-in failed, in words of ATOS's own: what an authorization server answered may hold tokens, so none of it
 * is passed on but a plain error code. Pure.
 */
export function loginReason(error: unknown): string {
  if (error instanceof OAuthError) return `the authorization server answered ${shownCode(error.code)}`;
  if (error instanceof IssuerMismatchError)
    return error.kind === "metadata"
      ? "the authorization server's metadata names another issuer than the one it was looked up for"
      : "the answer is not from the authorization server that was asked";
  if (error instanceof InsecureTokenEndpointError) return "the authorization server's token address is not https";
  if (error instanceof RegistrationRejectedError)
    return `the authorization server does not let ATOS register itself (HTTP ${error.status}); put a clientId into oauth of the server's entry`;
  if (error instanceof DOMException && error.name === "TimeoutError")
    return "the authorization server did not answer in time";
  if (error instanceof TypeError) return "the authorization server can't be reached";
  const status = error instanceof Error ? /^HTTP \d{3}\b/.exec(error.message)?.[0] : undefined;
  return status === undefined
    ? "the authorization server's answer can't be understood"
    : `the authorization server answered ${status}`;
}

/** A code of the standard's form, or that it is none: anything else could be anything. Pure. */
export function shownCode(code: string): string {
  return /^[a-z_]{1,40}$/.test(code) ? code : "an error";
}
