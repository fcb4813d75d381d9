import { IsDay, IsInstant, IsListOf, IsNested, OrNull } from '@points/http';
import { IsBoolean, IsIn, IsInt, IsString } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { MovementRowView, rowsMax } from './movement-views.js';

export class BaseDateRowView {
  @IsString()
  funding!: string;

  @IsInt()
  previous!: number;

  @IsInt()
  issued!: number;

  @IsInt()
  @JSONSchema({ description: 'used, converted and donated, less refunded' })
  redeemed!: number;

  @IsInt()
  @JSONSchema({ description: 'of redeemed: what was taken back' })
  refunded!: number;

  @IsInt()
  lapsed!: number;

  @IsInt()
  takenBack!: number;

  @IsInt()
  adjusted!: number;

  @IsInt()
  moved!: number;

  @IsInt()
  other!: number;

  @IsInt()
  @JSONSchema({ description: 'previous + issued − redeemed − lapsed − takenBack + adjusted + moved + other' })
  balance!: number;
}

export class BaseDateView {
  @IsDay()
  day!: string;

  @IsDay()
  previousDay!: string;

  @IsDay()
  @JSONSchema({ description: 'two months after the base date' })
  reportDue!: string;

  @IsInstant()
  @OrNull()
  knownAt!: string | null;

  @IsListOf(() => BaseDateRowView, 2)
  rows!: readonly BaseDateRowView[];

  @IsNested(() => BaseDateRowView)
  total!: BaseDateRowView;

  @IsInt()
  @JSONSchema({
    description: 'paid points above this have to be reported by a private issuer; a local public body is exempt (資金決済法 4条)',
  })
  threshold!: number;

  @IsBoolean()
  isPaidBalanceAboveThreshold!: boolean;
}

export class RecordedView {
  @IsInt()
  inYear!: number;

  @IsInt()
  @JSONSchema({ description: 'recorded from 1 April to 31 May after the year (出納整理期間)' })
  untilMay!: number;

  @IsInt()
  later!: number;

  @IsInt()
  @JSONSchema({ description: 'expiries of lots that are over and have not been posted yet' })
  notYetPosted!: number;
}

export class CloseChangeView {
  @IsInt()
  change!: number;

  @IsBoolean()
  closed!: boolean;

  @IsInstant()
  @JSONSchema({ description: 'nothing recorded from here on takes effect in a closed year' })
  holdsFrom!: string;

  @IsInstant()
  changedAt!: string;

  @IsString()
  actor!: string;

  @IsString()
  reason!: string;
}

export class YearCloseView {
  @IsInt()
  year!: number;

  @IsIn(['running', 'settling', 'due', 'closed'])
  state!: string;

  @IsListOf(() => CloseChangeView, 100)
  closes!: readonly CloseChangeView[];
}

export class YearReportView extends YearCloseView {
  @IsDay()
  firstDay!: string;

  @IsDay()
  lastDay!: string;

  @IsInstant()
  bookedUntil!: string;

  @IsInstant()
  @OrNull()
  knownAt!: string | null;

  @IsInstant()
  until!: string;

  @IsListOf(() => MovementRowView, rowsMax)
  rows!: readonly MovementRowView[];

  @IsNested(() => MovementRowView)
  total!: MovementRowView;

  @IsNested(() => RecordedView)
  recorded!: RecordedView;
}
