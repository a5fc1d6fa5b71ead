import {
  type AuthProvider,
  ClientCredentialsProvider,
  computeScopeUnion,
  extractWWWAuthenticateParams,
  type FetchLike,
  fetchToken,
  type InsufficientScopeError,
  OAuthError,
  type OAuthTokens,
  refreshAuthorization,
} from "@modelcontextprotocol/client";
import { AtosError } from "../../base/errors.ts";
import { discoverLogin, isSameIssuer, type LoginPoint } from "./discover-login.ts";
import { loginFailed, loginNeeded, loginReason } from "./login-error.ts";
import { loginFetch } from "./login-fetch.ts";
import type { LoginTarget } from "./login-target.ts";
import {
  type LoginPlace,
  readLogin,
  type SavedClient,
  type SavedLogin,
  type SavedTokens,
  type WantedLogin,
  writeLogin,
} from "./saved-login.ts";

const MAX_REMEMBERED = 4;
/** With these it is the server that has trouble; the log-in may still be good. */
const TROUBLE = new Set(["server_error", "temporarily_unavailable", "too_many_requests"]);

/**
 * A server's log-in as a connection uses it: reads the tokens that are kept, renews them, and never asks a person.
 * Where only a person can help it throws `tools/login-needed`, and keeps what the server asked for, for
 * `atos mcp --login`. Tokens are read anew for each request, so a log-in made meanwhile is used at once.
 */
export class ServerLogin implements AuthProvider {
  readonly #target: LoginTarget;
  readonly #place: LoginPlace;
  /** What each answer was asked for with. */
  readonly #askedWith = new WeakMap<Response, string>();
  #given: readonly string[] = [];
  #renewing: Promise<void> | undefined;

  constructor(target: LoginTarget, folder: string) {
    this.#target = target;
    this.#place = { folder, name: target.name, url: target.reach.url };
  }

  /** Tokens that were given out: never to be shown. */
  get secrets(): readonly string[] {
    return this.#given;
  }

  async token(): Promise<string | undefined> {
    const token = usableTokens(this.#target, await readLogin(this.#place))?.access_token;
    if (token !== undefined && !this.#given.includes(token))
      this.#given = [token, ...this.#given].slice(0, MAX_REMEMBERED);
    return token;
  }

  /** `fetch`, remembering which token an answer is about: an old one may be refused after it was renewed. */
  watched(fetchFn: FetchLike): FetchLike {
    return async (url, init) => {
      const answer = await fetchFn(url, init);
      this.#askedWith.set(answer, new Headers(init?.headers).get("authorization") ?? "");
      return answer;
    };
  }

  /** Calls at the same time share one renewal: a refresh token is good for one use only. */
  async onUnauthorized({ response }: { readonly response: Response }): Promise<void> {
    const { scope, resourceMetadataUrl } = extractWWWAuthenticateParams(response);
    const wanted = { scope, resourceMetadataUrl: resourceMetadataUrl?.href };
    const refused = this.#askedWith.get(response) ?? "";
    this.#renewing ??= this.#renew(wanted, refused).finally(() => (this.#renewing = undefined));
    await this.#renewing;
  }

  /** What to throw when the log-in is good for less than a call needs. A wider one is a person's to give. */
  async tooNarrow({ requiredScope, resourceMetadataUrl }: InsufficientScopeError): Promise<AtosError> {
    if (this.#target.reach.oauth?.grant === "client_credentials")
      return loginFailed(this.#target.name, "its scope is too narrow for the call; widen scope in oauth of its entry");
    const login = await readLogin(this.#place);
    const scope = computeScopeUnion(login.tokens?.scope, requiredScope);
    await writeLogin(this.#place, { ...login, wanted: { scope, resourceMetadataUrl: resourceMetadataUrl?.href } });
    return loginNeeded(this.#target.name);
  }

  async #renew(wanted: WantedLogin, refused: string): Promise<void> {
    const login = await readLogin(this.#place);
    const tokens = usableTokens(this.#target, login);
    // Another call or process has renewed it since the request was sent.
    if (tokens !== undefined && refused !== `Bearer ${tokens.access_token}`) return;
    const renewed = await this.#newTokens({ login, tokens, wanted });
    if (renewed !== undefined) {
      await writeLogin(this.#place, { ...login, tokens: renewed });
      return;
    }
    const now = await readLogin(this.#place);
    if (now.tokens !== undefined && now.tokens.access_token !== login.tokens?.access_token) return;
    await writeLogin(this.#place, { wanted });
    throw loginNeeded(this.#target.name);
  }

  /** Undefined when it takes a person. */
  async #newTokens({ login, tokens, wanted }: Renewal): Promise<SavedTokens | undefined> {
    const { name, reach } = this.#target;
    const client = knownClient(this.#target, login);
    const isOwn = reach.oauth?.grant === "client_credentials";
    if (client === undefined || (!isOwn && tokens?.refresh_token === undefined)) return undefined;
    try {
      const fetchFn = loginFetch({ name, url: reach.url });
      const point = await discoverLogin(this.#target, wanted.resourceMetadataUrl, fetchFn);
      const { issuer } = point.metadata;
      if (isOwn) {
        const asked = computeScopeUnion(reach.oauth?.scope, wanted.scope);
        return savedTokens(await ownTokens(point, { client, scope: asked, fetchFn }), { issuer, client, scope: asked });
      }
      if (tokens?.refresh_token === undefined || !isSameIssuer(tokens.issuer, issuer)) return undefined;
      const { authorizationServer, metadata, resource } = point;
      const renewed = await refreshAuthorization(authorizationServer, {
        metadata,
        clientInformation: client,
        refreshToken: tokens.refresh_token,
        resource,
        fetchFn,
      });
      return savedTokens(renewed, { issuer, client, scope: tokens.scope });
    } catch (error) {
      if (!isOwn && error instanceof OAuthError && !TROUBLE.has(error.code)) return undefined;
      throw error instanceof AtosError ? error : loginFailed(name, loginReason(error));
    }
  }
}

type Renewal = {
  readonly login: SavedLogin;
  readonly tokens: SavedTokens | undefined;
  readonly wanted: WantedLogin;
};

/** Tokens that were given to whom `mcp.json` now says that ATOS is, by whom it says. Pure. */
function usableTokens({ reach: { oauth } }: LoginTarget, { tokens }: SavedLogin): SavedTokens | undefined {
  if (tokens === undefined) return undefined;
  if (oauth?.issuer !== undefined && !isSameIssuer(oauth.issuer, tokens.issuer)) return undefined;
  if (oauth?.clientId !== undefined && !isDocument(oauth.clientId) && oauth.clientId !== tokens.client_id)
    return undefined;
  return tokens;
}

/** Who ATOS is to the authorization server: what `mcp.json` says, or what it registered itself as. Pure. */
function knownClient({ reach: { oauth } }: LoginTarget, { client, tokens }: SavedLogin): Client | undefined {
  if (oauth?.clientId === undefined || (isDocument(oauth.clientId) && tokens?.client_id !== oauth.clientId))
    return client;
  const { clientId, clientSecret } = oauth;
  return { client_id: clientId, ...(clientSecret === undefined ? {} : { client_secret: clientSecret }) };
}

export type Client = Omit<SavedClient, "issuer">;

/** A client id that is the address of a document about the client. Pure. */
export function isDocument(clientId: string): boolean {
  return clientId.startsWith("https://");
}

/** For the program itself, on behalf of nobody. */
async function ownTokens(
  { authorizationServer, metadata, resource }: LoginPoint,
  { client, scope, fetchFn }: { client: Client; scope: string | undefined; fetchFn: FetchLike },
): Promise<OAuthTokens> {
  const provider = new ClientCredentialsProvider({
    clientId: client.client_id,
    clientSecret: client.client_secret ?? "",
    expectedIssuer: metadata.issuer,
  });
  return fetchToken(provider, authorizationServer, {
    metadata,
    resource,
    fetchFn,
    ...(scope === undefined ? {} : { scope }),
  });
}

type Given = { readonly issuer: string; readonly client: Client; readonly scope: string | undefined };

/** What is kept of an answer. A server that does not name the scope gave what was asked for. Pure. */
export function savedTokens(tokens: OAuthTokens, { issuer, client, scope }: Given): SavedTokens {
  if (tokens.token_type.toLowerCase() !== "bearer") throw new Error("not a bearer token");
  const { access_token, refresh_token } = tokens;
  return { access_token, refresh_token, scope: tokens.scope ?? scope, issuer, client_id: client.client_id };
}
