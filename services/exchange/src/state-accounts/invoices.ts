import type { Tx } from '@points/database';
import { IsCount, IsDay, IsInstant, IsListOf, IsNested, problem } from '@points/http';
import { jstDateOf, type Instant } from '@points/kernel';
import { IsBoolean, IsIn, IsInt, IsOptional, IsString, Matches } from 'class-validator';
import { invoiceOf } from '../rules/invoice.js';
import { taxCategories, type TaxCategory } from '../rules/tax.js';
import { roundings, type Rounding } from '../rules/yen.js';
import type { PartnerKey } from '../set-up-partners/put-partner.js';
import { Rate } from '../set-up-partners/terms-shapes.js';
import { standOf, type StatementKey } from './find-statement.js';
import {
  findParty,
  issuerOfProgramme,
  issuerView,
  PutRecipient,
  recipientOf,
  unknownIssuer,
  unknownRecipient,
} from './invoice-parties.http.js';

/** Terms versions and their fees in one month. */
const invoiceLinesMax = 2_000;
const invoiceKinds = ['invoice', 'credit-note'] as const;

/** The month that is meant. */
export class IssueInvoice {
  @Matches(/^\d{4}-(0[1-9]|1[0-2])$/)
  month!: string;
}

export class InvoiceLineView {
  @IsIn(['exchanged-points', 'fee', 'corrections'])
  what!: 'exchanged-points' | 'fee' | 'corrections';

  @IsOptional()
  @IsString()
  name?: string;

  /** Of the partner's terms. */
  @IsOptional()
  @IsInt()
  version?: number;

  @IsOptional()
  @IsInt()
  quantity?: number;

  /** An exact fraction. */
  @IsOptional()
  @IsNested(() => Rate)
  yenEach?: Rate;

  /** Without tax. */
  @IsInt()
  yen!: number;

  @IsIn([...taxCategories])
  taxCategory!: TaxCategory;
}

export class TaxView {
  @IsIn([...taxCategories])
  taxCategory!: TaxCategory;

  @IsCount()
  percent!: number;

  @IsInt()
  taxableYen!: number;

  /** Rounded once, of `taxableYen`. */
  @IsInt()
  taxYen!: number;
}

export class InvoiceView {
  /** Programme, and a number without gaps in it. */
  @IsString()
  number!: string;

  /** credit-note: the municipality pays. */
  @IsIn([...invoiceKinds])
  kind!: (typeof invoiceKinds)[number];

  /** True when the issuer has a registration number, so that it is a 適格請求書. */
  @IsBoolean()
  isQualified!: boolean;

  @IsNested(() => PutRecipient)
  issuer!: PutRecipient;

  @IsNested(() => PutRecipient)
  recipient!: PutRecipient;

  @IsString()
  partner!: string;

  /** In which what it is about was done. */
  @IsString()
  month!: string;

  @IsDay()
  issuedOn!: string;

  @IsInstant()
  issuedAt!: string;

  @IsString()
  issuedBy!: string;

  @IsIn([...roundings])
  rounding!: Rounding;

  @IsListOf(() => InvoiceLineView, invoiceLinesMax)
  lines!: readonly InvoiceLineView[];

  @IsListOf(() => TaxView, taxCategories.length)
  taxes!: readonly TaxView[];

  @IsInt()
  taxYen!: number;

  /** Lines and tax. */
  @IsInt()
  totalYen!: number;
}

/** Issues the invoice of a closed statement, once. @throws Problem */
export async function issueInvoice(
  tx: Tx,
  key: StatementKey & PartnerKey,
  { client, now }: { readonly client: string; readonly now: Instant },
): Promise<{ readonly isNew: boolean; readonly invoice: InvoiceView }> {
  const { programme, partner, month } = key;
  // The row that numbers queue up for: two invoices of a programme are issued one after the other, and a rollback leaves no gap.
  await tx.query(`select 1 from invoice_party where programme = $1 and partner = $2 for update`, [programme, issuerOfProgramme]);
  const before = await findInvoice(tx, key);
  if (before) return { isNew: false, invoice: before };
  const standing = await standOf(tx, key);
  if (standing.state !== 'closed')
    throw problem(409, 'statement-open', 'the statement of the month is not closed', { state: standing.state });
  const [issuerRow, recipientRow] = [await findParty(tx, programme, issuerOfProgramme), await findParty(tx, programme, partner)];
  if (!issuerRow) throw unknownIssuer(409);
  if (!recipientRow) throw unknownRecipient(409);
  const { rounding, taxPercents } = issuerView(issuerRow);
  const sums = invoiceOf(standing.row.account, taxPercents, rounding);
  if (sums.lines.length === 0) throw problem(409, 'nothing-to-invoice', 'the statement has no lines');
  const [last] = await tx.query<{ next: number }>('select coalesce(max(number), 0) + 1 as next from invoice where programme = $1', [
    programme,
  ]);
  if (!last) throw new Error('assertion failed: an aggregate has a row');
  const issuer = recipientOf(issuerRow);
  const invoice: InvoiceView = {
    number: `${programme}-${String(last.next).padStart(6, '0')}`,
    kind: sums.totalYen < 0 ? 'credit-note' : 'invoice',
    isQualified: issuer.registrationNumber !== undefined,
    issuer,
    recipient: recipientOf(recipientRow),
    ...{ partner, month, issuedOn: jstDateOf(now), issuedAt: now, issuedBy: client, rounding },
    ...sums,
  };
  await tx.write(insertInvoice, [...[key.municipality, programme, last.next, partner, month], JSON.stringify(invoice), client, now]);
  return { isNew: true, invoice };
}

export async function findInvoice(tx: Tx, { programme, partner, month }: StatementKey): Promise<InvoiceView | undefined> {
  const [row] = await tx.query<{ document: InvoiceView }>(selectInvoice, [programme, partner, month]);
  return row?.document;
}

const selectInvoice = { name: 'select_invoice', text: 'select document from invoice where programme = $1 and partner = $2 and month = $3' };

const insertInvoice = `
  insert into invoice (tenant, programme, number, partner, month, document, issued_by, issued_at) values ($1, $2, $3, $4, $5, $6, $7, $8)`;
