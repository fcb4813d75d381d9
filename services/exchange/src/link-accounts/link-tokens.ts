import { Inject, Injectable } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { uuidv7 } from '@points/kernel';
import type { Logger } from '@points/observability';
import { LOGGER } from '@points/service';
import { ExchangeConfig } from '../exchange.config.js';
import type { Connection } from './connection.js';
import { aboutToken, endLink, writeTokens } from './link.js';
import { SealKeeper } from './seal-keeper.js';
import { earlyMs, SignInAtPartner } from './sign-in-at-partner.js';

export type AccountToken =
  | { readonly kind: 'token'; readonly token: string }
  /** The link is over: the resident has to link again. */
  | { readonly kind: 'ended' }
  /** Not now: the partner is away, or another call is refreshing. */
  | { readonly kind: 'failed'; readonly reason: string };

/**
 * Access tokens of linked accounts. A refresh token is used once: two calls, in this process or in two replicas, must not both use it, or the
 * partner takes the second for a theft and ends the link. So one takes a lease in the link's row, and the others wait for its result.
 */
@Injectable()
export class LinkTokens {
  constructor(
    private readonly database: Database,
    private readonly signIn: SignInAtPartner,
    private readonly seals: SealKeeper,
    @Inject(ExchangeConfig) private readonly config: ExchangeConfig,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** `not`: one that the partner has just refused. */
  async accountToken(municipality: string, link: string, connection: Connection, not?: string): Promise<AccountToken> {
    const until = Date.now() + this.config.PARTNER_ANSWER_MS;
    for (;;) {
      const look = await this.look(municipality, link, not);
      if (look.kind === 'refresh') return this.refresh(municipality, link, connection, look);
      if (look.kind !== 'wait') return look;
      if (Date.now() >= until) return { kind: 'failed', reason: 'the token of the account is being refreshed by another call' };
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
    }
  }

  private look(municipality: string, link: string, not: string | undefined): Promise<Look> {
    return this.database.transaction(tenants(municipality), async (tx) => {
      const [row] = await tx.query<TokenRow>(lockTokens, [link]);
      if (row?.access_token == null || row.refresh_token === null) return { kind: 'ended' };
      const token = this.seals.seal.open(row.access_token, aboutToken(link, 'access'));
      if (row.is_fresh && token !== not) return { kind: 'token', token };
      if (row.is_leased) return { kind: 'wait' };
      const lease = uuidv7();
      // Longer than the refresh may take. A process that dies in between has perhaps used the token up: then the next refresh ends the link.
      await tx.write(takeLease, [link, lease, (this.config.PARTNER_ANSWER_MS * 3) / 1_000]);
      return { kind: 'refresh', lease, refreshToken: this.seals.seal.open(row.refresh_token, aboutToken(link, 'refresh')) };
    });
  }

  private async refresh(
    municipality: string,
    link: string,
    connection: Connection,
    { lease, refreshToken }: Refresh,
  ): Promise<AccountToken> {
    const answer = await this.signIn.refresh(connection, refreshToken);
    const kept = await this.database.transaction(tenants(municipality), async (tx) => {
      const [row] = await tx.query<{ lease: string | null }>('select refresh_lease as lease from account_link where id = $1 for update', [
        link,
      ]);
      // Linked anew, unlinked, or too late: what was given now is not what is kept.
      if (row?.lease !== lease) return false;
      if (answer.kind === 'given') await writeTokens(tx, link, answer.tokens, this.seals.seal);
      else if (answer.kind === 'gone') await endLink(tx, link, 'token-gone');
      else await tx.write('update account_link set refresh_lease = null, refresh_until = null where id = $1', [link]);
      return true;
    });
    if (!kept) return { kind: 'failed', reason: 'the link has changed during the refresh' };
    switch (answer.kind) {
      case 'given':
        return { kind: 'token', token: answer.tokens.accessToken };
      case 'gone':
        this.log.info({ link, reason: answer.reason }, 'account link ended: the partner gives no tokens any more');
        return { kind: 'ended' };
      case 'failed':
        return answer;
    }
  }
}

const lookEveryMs = 50;

interface Refresh {
  readonly lease: string;
  readonly refreshToken: string;
}

type Look = Extract<AccountToken, { kind: 'token' | 'ended' }> | { readonly kind: 'wait' } | ({ readonly kind: 'refresh' } & Refresh);

interface TokenRow {
  readonly access_token: string | null;
  readonly refresh_token: string | null;
  readonly is_fresh: boolean;
  readonly is_leased: boolean;
}

const lockTokens = `
  select access_token, refresh_token, (access_until is null or access_until > now() + interval '${earlyMs} milliseconds') as is_fresh,
         coalesce(refresh_until > now(), false) as is_leased
  from account_link where id = $1 and state = 'linked' for update`;

const takeLease = `
  update account_link set refresh_lease = $2, refresh_until = now() + make_interval(secs => $3::double precision) where id = $1`;
