import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import { Database, tenants, type Tx } from '@points/database';
import { type Cause, CauseOf, IsInstant, IsNested, Operation, problem, ProgrammePath } from '@points/http';
import { IsIn, IsInt, IsOptional, IsString, Length, Max, Min } from 'class-validator';
import { instantOf, now } from '../clock.js';
import { PartnerPath } from '../ids.js';
import { partyKinds, registrationNumberTrouble, type PartyKind } from '../rules/registration-number.js';
import { taxPercentsUnlessTold } from '../rules/tax.js';
import { roundings, type Rounding } from '../rules/yen.js';

/** Who issues invoices, or is sent them. */
export class PutRecipient {
  @IsString()
  @Length(1, 100)
  name!: string;

  @IsOptional()
  @IsString()
  @Length(1, 200)
  address?: string;

  @IsIn([...partyKinds])
  kind!: PartyKind;

  /** 適格請求書発行事業者の登録番号, T and 13 digits; absent where there is none. A corporation's has a check digit. */
  @IsOptional()
  @IsString()
  registrationNumber?: string;
}

/** Percent. */
export class TaxPercentsShape {
  @IsInt()
  @Min(0)
  @Max(100)
  standard!: number;

  @IsInt()
  @Min(0)
  @Max(100)
  reduced!: number;
}

export class PutIssuer extends PutRecipient {
  /** Of tax and of fractions of a yen; `down` when absent. */
  @IsOptional()
  @IsIn([...roundings])
  rounding?: Rounding;

  /** 10 and 8 when absent. */
  @IsOptional()
  @IsNested(() => TaxPercentsShape)
  taxPercents?: TaxPercentsShape;
}

export class RecipientView extends PutRecipient {
  @IsString()
  updatedBy!: string;

  @IsInstant()
  updatedAt!: string;
}

export class IssuerView extends RecipientView {
  @IsIn([...roundings])
  rounding!: Rounding;

  @IsNested(() => TaxPercentsShape)
  taxPercents!: TaxPercentsShape;
}

@Controller('v1/municipalities/:municipality/programmes/:programme')
export class InvoicePartiesController {
  constructor(private readonly database: Database) {}

  @Put('invoice-issuer')
  @Operation({
    summary: 'Set who issues the invoices of a programme',
    description: 'Invoices that were issued keep the issuer that they name.',
    scope: 'partners:write',
    answer: IssuerView,
  })
  putIssuer(@Param() path: ProgrammePath, @Body() body: PutIssuer, @CauseOf() cause: Cause): Promise<IssuerView> {
    return this.put({ ...path, partner: issuerOfProgramme }, body, cause, issuerView);
  }

  @Get('invoice-issuer')
  @Operation({
    summary: 'Who issues the invoices of a programme',
    scope: 'partners:read',
    answer: IssuerView,
    problems: ['unknown-issuer'],
  })
  async readIssuer(@Param() path: ProgrammePath): Promise<IssuerView> {
    const row = await this.database.transaction(tenants(path.municipality), (tx) => findParty(tx, path.programme, issuerOfProgramme));
    if (!row) throw unknownIssuer(404);
    return issuerView(row);
  }

  @Put('partners/:partner/invoice-recipient')
  @Operation({
    summary: 'Set to whom a partner’s invoices are sent',
    scope: 'partners:write',
    answer: RecipientView,
    problems: ['unknown-partner'],
  })
  putRecipient(@Param() path: PartnerPath, @Body() body: PutRecipient, @CauseOf() cause: Cause): Promise<RecipientView> {
    return this.put(path, body, cause, recipientView);
  }

  @Get('partners/:partner/invoice-recipient')
  @Operation({
    summary: 'To whom a partner’s invoices are sent',
    scope: 'partners:read',
    answer: RecipientView,
    problems: ['unknown-recipient'],
  })
  async readRecipient(@Param() path: PartnerPath): Promise<RecipientView> {
    const row = await this.database.transaction(tenants(path.municipality), (tx) => findParty(tx, path.programme, path.partner));
    if (!row) throw unknownRecipient(404);
    return recipientView(row);
  }

  private put<T>(path: PartnerPath, body: PutIssuer, { client }: Cause, view: (row: PartyRow) => T): Promise<T> {
    const trouble = body.registrationNumber !== undefined && registrationNumberTrouble(body.registrationNumber, body.kind);
    if (trouble)
      throw problem(422, 'invalid-request', `the body is wrong: registrationNumber ${trouble}`, {
        errors: [{ field: 'registrationNumber', reason: trouble }],
      });
    return this.database.transaction(tenants(path.municipality), async (tx) => {
      if (path.partner !== issuerOfProgramme) {
        const [known] = await tx.query('select 1 from partner where programme = $1 and partner = $2', [path.programme, path.partner]);
        if (!known) throw problem(404, 'unknown-partner', 'the programme has no such partner');
      }
      await tx.write(upsertParty, [
        ...[path.municipality, path.programme, path.partner, body.name, body.address ?? null, body.kind, body.registrationNumber ?? null],
        ...[body.rounding ?? null, body.taxPercents ? JSON.stringify(body.taxPercents) : null, client, now()],
      ]);
      const row = await findParty(tx, path.programme, path.partner);
      if (!row) throw new Error('assertion failed: a party that was just written must be there');
      return view(row);
    });
  }
}

/** Instead of a partner's id, which is never empty. */
export const issuerOfProgramme = '';

export interface PartyRow {
  readonly name: string;
  readonly address: string | null;
  readonly kind: PartyKind;
  readonly registration_number: string | null;
  readonly rounding: Rounding | null;
  readonly tax_percents: TaxPercentsShape | null;
  readonly updated_by: string;
  readonly updated_at: Date;
}

export async function findParty(tx: Tx, programme: string, partner: string): Promise<PartyRow | undefined> {
  const [row] = await tx.query<PartyRow>(selectParty, [programme, partner]);
  return row;
}

export function recipientOf(row: PartyRow): PutRecipient {
  return {
    name: row.name,
    ...(row.address !== null && { address: row.address }),
    kind: row.kind,
    ...(row.registration_number !== null && { registrationNumber: row.registration_number }),
  };
}

export function issuerView(row: PartyRow): IssuerView {
  return { ...recipientView(row), rounding: row.rounding ?? 'down', taxPercents: row.tax_percents ?? taxPercentsUnlessTold };
}

export function unknownIssuer(status: 404 | 409) {
  return problem(status, 'unknown-issuer', 'it is not set who issues the invoices of the programme (PUT …/invoice-issuer)');
}

export function unknownRecipient(status: 404 | 409) {
  return problem(status, 'unknown-recipient', 'it is not set to whom the partner’s invoices are sent (PUT …/invoice-recipient)');
}

function recipientView(row: PartyRow): RecipientView {
  return { ...recipientOf(row), updatedBy: row.updated_by, updatedAt: instantOf(row.updated_at) };
}

const selectParty = {
  name: 'select_invoice_party',
  text: `
    select name, address, kind, registration_number, rounding, tax_percents, updated_by, updated_at
    from invoice_party where programme = $1 and partner = $2`,
};

const upsertParty = `
  insert into invoice_party as p (tenant, programme, partner, name, address, kind, registration_number, rounding, tax_percents, updated_by, updated_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
  on conflict on constraint invoice_party_pk do update
  set name = excluded.name, address = excluded.address, kind = excluded.kind, registration_number = excluded.registration_number,
      rounding = excluded.rounding, tax_percents = excluded.tax_percents, updated_by = excluded.updated_by, updated_at = excluded.updated_at`;
