import {
  exchangeAuthorization,
  type FetchLike,
  registerClient,
  startAuthorization,
  validateAuthorizationResponseIssuer,
} from "@modelcontextprotocol/client";
import { AtosError, messageOf } from "../../base/errors.ts";
import { askedScope } from "./asked-scope.ts";
import { discoverLogin, type LoginPoint } from "./discover-login.ts";
import { loginFailed, loginReason, shownCode } from "./login-error.ts";
import { loginFetch, refusedAddress } from "./login-fetch.ts";
import type { LoginTarget } from "./login-target.ts";
import { listenForRedirect, type RedirectListener } from "./redirect-listener.ts";
import { type LoginPlace, readLogin, writeLogin } from "./saved-login.ts";
import { type Client, isDocument, savedTokens } from "./server-login.ts";

export type LogInOptions = {
  /** Where log-ins are kept. */
  readonly folder: string;
  /** Told where the person must go with a browser of this machine. */
  readonly show: (address: URL) => void;
  readonly timeoutMs?: number;
};

const TIMEOUT_MS = 10 * 60_000;

/**
 * Lets a person log in to a server with their browser, and keeps the tokens. Asks for what the server wanted when it
 * was last connected to.
 *
 * @throws {AtosError} `tools/login-failed` saying why; never with a word of what an authorization server answered.
 */
export async function logIn(target: LoginTarget, options: LogInOptions, signal: AbortSignal): Promise<void> {
  const place: LoginPlace = { folder: options.folder, name: target.name, url: target.reach.url };
  try {
    const { wanted } = await readLogin(place);
    const fetchFn = loginFetch({ name: target.name, url: target.reach.url }, signal);
    const point = await discoverLogin(target, wanted?.resourceMetadataUrl, fetchFn);
    const { oauth } = target.reach;
    if (!point.metadata.code_challenge_methods_supported?.includes("S256"))
      throw loginFailed(target.name, "the authorization server does not offer PKCE with S256");
    const scope = askedScope({
      configured: oauth?.scope,
      wanted: wanted?.scope,
      supported: point.scopes,
      offered: point.metadata.scopes_supported,
    });
    await using listener = await listenForRedirect(oauth?.callbackPort ?? 0).catch((error: unknown) => {
      throw loginFailed(target.name, `nothing can listen for the browser's return: ${messageOf(error)}`);
    });
    const client = await clientOf(target, { point, listener, scope, fetchFn });
    const tokens = await authorized({ target, point, listener, client, scope, fetchFn, options, signal });
    const { issuer } = point.metadata;
    await writeLogin(place, {
      ...(client.client_id === oauth?.clientId ? {} : { client: { ...client, issuer } }),
      tokens: savedTokens(tokens, { issuer, client, scope }),
    });
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof AtosError ? error : loginFailed(target.name, loginReason(error));
  }
}

type Asking = {
  readonly point: LoginPoint;
  readonly listener: RedirectListener;
  readonly scope: string | undefined;
  readonly fetchFn: FetchLike;
};

/** Who ATOS is to the authorization server: as `mcp.json` says, or newly registered for this one log-in. */
async function clientOf({ name, reach: { oauth } }: LoginTarget, asking: Asking): Promise<Client> {
  const { point, listener, scope, fetchFn } = asking;
  const { metadata } = point;
  const { clientId, clientSecret } = oauth ?? {};
  if (clientId !== undefined && (!isDocument(clientId) || metadata.client_id_metadata_document_supported === true))
    return { client_id: clientId, ...(clientSecret === undefined ? {} : { client_secret: clientSecret }) };
  if (metadata.registration_endpoint === undefined)
    throw loginFailed(name, "the authorization server lets nobody register; put a clientId into oauth of its entry");
  const isPublic = metadata.token_endpoint_auth_methods_supported?.includes("none") === true;
  const registered = await registerClient(point.authorizationServer, {
    metadata,
    clientMetadata: {
      client_name: "ATOS",
      redirect_uris: [listener.redirectUrl],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      application_type: "native",
      ...(isPublic ? { token_endpoint_auth_method: "none" } : {}),
    },
    ...(scope === undefined ? {} : { scope }),
    fetchFn,
  });
  const { client_id, client_secret, token_endpoint_auth_method } = registered;
  return { client_id, client_secret, token_endpoint_auth_method };
}

type Authorizing = Asking & {
  readonly target: LoginTarget;
  readonly client: Client;
  readonly options: LogInOptions;
  readonly signal: AbortSignal;
};

/** Sends the person to the authorization server, waits for them, and changes the code they bring for tokens. */
async function authorized({ target, point, listener, client, scope, fetchFn, options, signal }: Authorizing) {
  const { name, reach } = target;
  const { authorizationServer, metadata, resource } = point;
  const { redirectUrl, state } = listener;
  const { authorizationUrl, codeVerifier } = await startAuthorization(authorizationServer, {
    metadata,
    clientInformation: client,
    redirectUrl,
    state,
    resource,
    ...(scope === undefined ? {} : { scope }),
  });
  const refused = refusedAddress(reach.url, authorizationUrl);
  if (refused !== undefined) throw loginFailed(name, refused);
  options.show(authorizationUrl);
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  const deadline = AbortSignal.timeout(timeoutMs);
  const answer = await listener.answer(AbortSignal.any([signal, deadline])).catch((error: unknown) => {
    if (!deadline.aborted) throw error;
    throw loginFailed(name, `nobody came back from the browser within ${Math.ceil(timeoutMs / 60_000)} minutes`);
  });
  const iss = answer.get("iss") ?? undefined;
  // Before anything else of the answer is believed, an error included.
  validateAuthorizationResponseIssuer({
    iss,
    expectedIssuer: metadata.issuer,
    issParameterSupported: metadata.authorization_response_iss_parameter_supported === true,
  });
  const code = answer.get("code");
  if (code === null) {
    throw loginFailed(name, `the authorization server answered ${shownCode(answer.get("error") ?? "")}`);
  }
  return exchangeAuthorization(authorizationServer, {
    metadata,
    clientInformation: client,
    authorizationCode: code,
    ...(iss === undefined ? {} : { iss }),
    codeVerifier,
    redirectUri: redirectUrl,
    resource,
    fetchFn,
  });
}
