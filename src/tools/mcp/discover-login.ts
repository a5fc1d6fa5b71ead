import {
  type AuthorizationServerMetadata,
  checkResourceAllowed,
  discoverOAuthServerInfo,
  type FetchLike,
  resourceUrlFromServerUrl,
} from "@modelcontextprotocol/client";
import type { LoginTarget } from "./login-target.ts";
import { loginFailed } from "./login-error.ts";
import { refusedAddress } from "./login-fetch.ts";

/** Where a server's log-ins are given. */
export type LoginPoint = {
  readonly authorizationServer: string;
  readonly metadata: AuthorizationServerMetadata;
  /** What tokens are asked for, and good for. */
  readonly resource: string;
  readonly scopes: readonly string[] | undefined;
};

/**
 * Asks the server who gives its log-ins, and them for their addresses. Asked anew each time: who remembers it would
 * go on sending tokens to an authorization server that the server has left.
 *
 * @throws {AtosError} `tools/login-failed` when the metadata is for another server, or names another authorization
 * server than `mcp.json` does.
 */
export async function discoverLogin(
  { name, reach: { url, oauth } }: LoginTarget,
  resourceMetadataUrl: string | undefined,
  fetchFn: FetchLike,
): Promise<LoginPoint> {
  const at = resourceMetadataUrl === undefined ? undefined : new URL(resourceMetadataUrl);
  const refused = at === undefined ? undefined : refusedAddress(url, at);
  if (refused !== undefined) throw loginFailed(name, refused);
  const found = await discoverOAuthServerInfo(url, {
    fetchFn,
    ...(at === undefined ? {} : { resourceMetadataUrl: at }),
  });
  const { authorizationServerUrl, authorizationServerMetadata: metadata, resourceMetadata } = found;
  const requestedResource = resourceUrlFromServerUrl(url);
  const configuredResource = resourceMetadata?.resource ?? requestedResource.href;
  if (!checkResourceAllowed({ requestedResource, configuredResource }))
    throw loginFailed(name, "its metadata is that of another server");
  if (metadata === undefined)
    throw loginFailed(name, "no authorization server is to be found; perhaps it wants a key in headers");
  if (oauth?.issuer !== undefined && !isSameIssuer(oauth.issuer, metadata.issuer))
    throw loginFailed(name, "it names another authorization server than issuer in mcp.json");
  return {
    authorizationServer: authorizationServerUrl,
    metadata,
    resource: configuredResource,
    scopes: resourceMetadata?.scopes_supported,
  };
}

/** As written, but for a slash at the end. Pure. */
export function isSameIssuer(one: string, other: string): boolean {
  return one.replace(/\/$/, "") === other.replace(/\/$/, "");
}
