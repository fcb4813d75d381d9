import { postingRequestedV1, type Instruction } from '@points/contracts';
import type { Tx } from '@points/database';
import { points, unreachable, uuidv7, type Points } from '@points/kernel';
import { event, type OutgoingEvent } from '@points/messaging';
import { referenceText } from '../rules/references.js';
import type { StoredMovement, StoredPayment } from './stored-payment.js';

export type NewMovement =
  | { readonly kind: 'capture'; readonly amount: Points; readonly isFinal: boolean; readonly n: number }
  | { readonly kind: 'refund'; readonly amount: Points; readonly of: string }
  | { readonly kind: 'release' };

/** Under the payment's lock. `before` are the movements that are there. */
export async function insertMovements(
  tx: Tx,
  payment: StoredPayment,
  action: string,
  wanted: readonly NewMovement[],
  before: readonly StoredMovement[],
): Promise<StoredMovement[]> {
  const releases = before.filter((one) => one.kind === 'release').length;
  const made = wanted.map((one): StoredMovement => {
    const id = uuidv7();
    const common = { id, payment: payment.id, action, state: 'pending' } as const;
    switch (one.kind) {
      case 'capture':
        return {
          ...common,
          kind: 'capture',
          amount: one.amount,
          isFinal: one.isFinal,
          reference: referenceText({ kind: 'capture', payment: payment.id, n: one.n }),
        };
      case 'refund':
        return {
          ...common,
          kind: 'refund',
          amount: one.amount,
          isFinal: false,
          of: one.of,
          reference: referenceText({ kind: 'refund', payment: payment.id, refund: id }),
        };
      case 'release':
        return {
          ...common,
          kind: 'release',
          amount: points(0),
          isFinal: true,
          reference: referenceText({ kind: 'release', payment: payment.id, n: releases + 1 }),
        };
      default:
        return unreachable(one);
    }
  });
  await tx.write(
    {
      name: 'insert_movements',
      text: `insert into payment_movement (tenant, id, payment, action, kind, amount, is_final, refund_of, reference, state)
             select $1, m.id, $2, $3, m.kind, m.amount, m.is_final, m.refund_of, m.reference, 'pending'
             from unnest($4::uuid[], $5::text[], $6::bigint[], $7::boolean[], $8::text[], $9::text[]) as m (id, kind, amount, is_final, refund_of, reference)`,
    },
    [
      payment.tenant,
      payment.id,
      action,
      made.map((one) => one.id),
      made.map((one) => one.kind),
      made.map((one) => one.amount),
      made.map((one) => one.isFinal),
      made.map((one) => one.of ?? null),
      made.map((one) => one.reference),
    ],
  );
  return made;
}

/** What the ledger is asked for these movements. */
export function requestsOf(payment: StoredPayment, movements: readonly StoredMovement[], actor: string): OutgoingEvent[] {
  return movements.map((movement) => {
    const outgoing = event(
      postingRequestedV1,
      {
        reference: movement.reference,
        municipality: payment.tenant,
        programme: payment.programme,
        account: `holder:${payment.holder}`,
        instruction: instructionOf(payment, movement),
        cause: { actor },
      },
      { id: movement.id, requester: 'settlement' },
    );
    // The data was checked against its contract just now.
    return outgoing;
  });
}

function instructionOf(payment: StoredPayment, movement: StoredMovement): Instruction {
  switch (movement.kind) {
    case 'capture':
      return {
        kind: 'capture',
        hold: payment.id,
        amount: movement.amount,
        final: movement.isFinal,
        to: `merchant:${payment.shop}`,
        use: 'spend',
      };
    case 'refund':
      return { kind: 'refund', of: movement.of ?? '', amount: movement.amount };
    case 'release':
      return { kind: 'release', hold: payment.id };
  }
}
