import { createHash } from 'node:crypto';

/**
 * References under which the ledger is asked. They are printable ASCII of at most 200 characters and unique for ever, while order
 * and conversion ids may be Japanese: each part is percent-encoded, and what is too long then is named by its hash.
 */
export function orderReference(order: { programme: string; partner: string; orderId: string }): string {
  return reference('order', order.programme, [order.partner, order.orderId]);
}

/** An order's bonus is a posting of its own. */
export function bonusReference(order: string): string {
  return `${order}:bonus`;
}

/** Of an order's reversal, and of its bonus's. `askedAgain`: how often it was asked before, each time refused. */
export function reversalReference(order: string, part: ReversalPart, askedAgain: number): string {
  return `${order}:${part === 'order' ? 'reverse' : 'reverse-b'}${askedAgain === 0 ? '' : `:${askedAgain}`}`;
}

export type ReversalPart = 'order' | 'bonus';

/** A reference has room for two digits; nobody is refused so often by mistake. */
export const reversalsPerOrderMax = 100;

/** The stem: each step of a conversion asks under `stepReference`. */
export function conversionReference(conversion: { programme: string; conversionId: string }): string {
  return reference('conversion', conversion.programme, [conversion.conversionId]);
}

export type ConversionStep = 'hold' | 'capture' | 'release';

/** `askedAgain`: how often the step was asked before, each time refused. */
export function stepReference(stem: string, step: ReserveStep, askedAgain = 0): string {
  return `${stem}:${step}${askedAgain === 0 ? '' : `:${askedAgain}`}`;
}

/** A reference has room for four digits. */
export const stepAskingsMax = 9_999;

/** The stem of a part of an allocation of reserve points. */
export function reserveReference(part: { programme: string; allocationId: string; seq: number }): string {
  return reference('reserve', part.programme, [part.allocationId, String(part.seq)]);
}

export type ReserveStep = ConversionStep | 'issue';

export type ReadReference =
  | { readonly of: 'order'; readonly reference: string }
  /** `reference` is that of the order. */
  | { readonly of: 'bonus'; readonly reference: string }
  /** `reference` is that of the order. */
  | { readonly of: 'reversal'; readonly reference: string; readonly part: ReversalPart; readonly askedAgain: number }
  | { readonly of: 'conversion'; readonly reference: string; readonly step: ConversionStep; readonly askedAgain: number }
  | { readonly of: 'reserve'; readonly reference: string; readonly step: ReserveStep; readonly askedAgain: number };

/** @throws Error on a reference that this service never made. */
export function readReference(text: string): ReadReference {
  const [, order, what, times = '0'] =
    /^(exchange:order:[^:]+:(?:#[^:]+|[^:#]+:[^:]+))(?::(bonus|reverse|reverse-b)(?::(\d{1,2}))?)?$/.exec(text) ?? [];
  if (order !== undefined && (times === '0' || what !== 'bonus')) {
    if (what === undefined) return { of: 'order', reference: order };
    if (what === 'bonus') return { of: 'bonus', reference: order };
    return { of: 'reversal', reference: order, part: what === 'reverse' ? 'order' : 'bonus', askedAgain: Number(times) };
  }
  const [, part, reserveStep, reserveAgain = '0'] =
    /^(exchange:reserve:[^:]+:(?:#[^:]+|[^:#]+:\d+)):(hold|issue|capture|release)(?::(\d{1,4}))?$/.exec(text) ?? [];
  // The pattern admits these four words only.
  if (part !== undefined) return { of: 'reserve', reference: part, step: reserveStep as ReserveStep, askedAgain: Number(reserveAgain) };
  const [, stem, step, askedAgain = '0'] = /^(exchange:conversion:[^:]+:[^:]+):(hold|capture|release)(?::(\d{1,4}))?$/.exec(text) ?? [];
  if (stem === undefined) throw new Error(`the reference ${text} is none of this service`);
  // The pattern admits these three words only.
  return { of: 'conversion', reference: stem, step: step as ConversionStep, askedAgain: Number(askedAgain) };
}

function reference(kind: 'order' | 'conversion' | 'reserve', programme: string, parts: readonly string[]): string {
  const text = `exchange:${kind}:${programme}:${parts.map(encodeURIComponent).join(':')}`;
  if (text.length <= stemCharactersMax) return text;
  // `#` never stands in percent-encoded text, so no id can imitate this form.
  return `exchange:${kind}:${programme}:#${createHash('sha256').update(text).digest('base64url')}`;
}

/** 200 of the contract, less the longest step (`:release:9999`, `:reverse-b:99`). */
const stemCharactersMax = 187;
