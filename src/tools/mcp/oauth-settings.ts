import { z } from "zod";

/** How ATOS logs in to a server, as far as `mcp.json` says; the rest is asked of the server. */
export type OauthSettings = {
  /** Who ATOS is to the authorization server, or the https address of a document that says so. */
  readonly clientId?: string | undefined;
  readonly clientSecret?: string | undefined;
  /** The authorization server; no other is shown the secret. */
  readonly issuer?: string | undefined;
  /** Asked for besides what the server wants; words with a space between them. */
  readonly scope?: string | undefined;
  /** Where the browser comes back to, when the authorization server wants to know that beforehand. */
  readonly callbackPort?: number | undefined;
  readonly grant?: "authorization_code" | "client_credentials" | undefined;
};

const word = /^[\x21-\x7e]+$/;

/** `oauth` of a server's entry. The secret is a variable's name here, still to be replaced. */
export const oauthSettings = z
  .strictObject({
    clientId: z.string().regex(word, "must be one word").max(512).optional(),
    clientSecret: z
      .string()
      .regex(/^\$\{[A-Za-z_]\w*\}$/, "must be ${VAR}: a secret has no place in the file")
      .optional(),
    issuer: z.url({ protocol: /^https?$/ }).optional(),
    scope: z
      .string()
      .regex(/^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/, "must be words with one space between them")
      .max(1024)
      .optional(),
    callbackPort: z.int().min(1024).max(65_535).optional(),
    grant: z.enum(["authorization_code", "client_credentials"]).optional(),
  })
  .refine(({ clientSecret, clientId, issuer }) => clientSecret === undefined || Boolean(clientId && issuer), {
    error: "clientSecret needs clientId, and issuer: the one authorization server that may see it",
  })
  .refine(({ grant, clientSecret }) => grant !== "client_credentials" || clientSecret !== undefined, {
    error: "grant client_credentials needs clientSecret",
  });
