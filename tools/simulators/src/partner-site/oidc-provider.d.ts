// oidc-provider publishes no types. This is the part of its documented interface that the partner's sign-in uses.
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  export interface OidcToken {
    readonly isValid: boolean;
    readonly clientId?: string;
    readonly accountId?: string;
    readonly scope?: string;
  }

  export interface OidcGrant {
    addOIDCScope(scope: string): void;
    save(): Promise<string>;
  }

  export interface OidcInteraction {
    readonly uid: string;
    readonly params: { readonly client_id?: string; readonly scope?: string };
  }

  export class Provider {
    constructor(issuer: string, configuration: Record<string, unknown>);
    readonly AccessToken: { find(token: string): Promise<OidcToken | undefined> };
    readonly ClientCredentials: { find(token: string): Promise<OidcToken | undefined> };
    readonly Grant: new (grant: { accountId: string; clientId: string }) => OidcGrant;
    callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>;
    interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<OidcInteraction>;
    interactionFinished(
      request: IncomingMessage,
      response: ServerResponse,
      result: Record<string, unknown>,
      options: { mergeWithLastSubmission: boolean },
    ): Promise<void>;
  }
}
