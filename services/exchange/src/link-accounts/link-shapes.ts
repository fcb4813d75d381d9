import { IsInstant, IsListOf, IsMyKeyId, ProgrammePath } from '@points/http';
import { IsIn, IsOptional, IsString, IsUUID, Length, Matches } from 'class-validator';

export class StartLink {
  @IsMyKeyId()
  myKeyId!: string;
}

export class StartedLinkView {
  /** Send the resident's browser there. Single use. */
  @IsString()
  authorizationUrl!: string;

  /** Comes back with the browser: keep it with the resident's session and compare. */
  @IsString()
  state!: string;

  @IsInstant()
  expiresAt!: string;
}

/** What the browser brought back to the redirect address, and who is signed in there. */
export class FinishLink {
  /** The resident of the session: must be the one for whom the link was begun, or somebody could be talked into linking for another. */
  @IsMyKeyId()
  myKeyId!: string;

  @Matches(/^[\x21-\x7e]{1,200}$/)
  state!: string;

  /** Absent when the partner sent an error. */
  @IsOptional()
  @Matches(/^[\x20-\x7e]{1,2000}$/)
  code?: string;

  /** Given when the partner sent it (RFC 9207). */
  @IsOptional()
  @IsString()
  @Length(1, 300)
  iss?: string;

  /** The partner's error, such as access_denied. */
  @IsOptional()
  @Matches(/^[\x21-\x7e]{1,100}$/)
  error?: string;
}

export const linkStates = ['linked', 'ended'] as const;
export type LinkState = (typeof linkStates)[number];

/** unlinked: by the resident. token-gone: the partner gives no tokens any more (the member took the permission back, or did not come for long). */
export const endedReasons = ['unlinked', 'token-gone'] as const;
export type EndedReason = (typeof endedReasons)[number];

export class AccountLinkView {
  @IsUUID()
  link!: string;

  @IsString()
  partner!: string;

  @IsIn([...linkStates])
  state!: LinkState;

  @IsInstant()
  linkedAt!: string;

  @IsOptional()
  @IsInstant()
  endedAt?: string;

  @IsOptional()
  @IsIn([...endedReasons])
  endedReason?: EndedReason;
}

export const linksMax = 100;

export class AccountLinksView {
  /** The newest first, at most 100. */
  @IsListOf(() => AccountLinkView, linksMax)
  links!: AccountLinkView[];
}

export class LinksQuery {
  @IsMyKeyId()
  myKeyId!: string;
}

export class LinkPath extends ProgrammePath {
  @IsUUID()
  link!: string;
}
