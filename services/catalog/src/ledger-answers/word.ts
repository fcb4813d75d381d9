import type { PostingOutcome } from '@points/contracts';
import { assert } from '@points/kernel';
import type { Decision, LedgerRefusal, Outcome } from '../rules/decision.js';
import type { Order } from '../rules/order.js';

/** The columns of the ledger's word, as they stand in every table that waits for one. */
export type WordRow = {
  state: string;
  posting: string | null;
  refusal_code: string | null;
  refusal_detail: string | null;
  refusal_facts: LedgerRefusal['facts'] | null;
};

export const wordColumns = 'state, posting, refusal_code, refusal_detail, refusal_facts';

export function outcomeOf(outcome: PostingOutcome): Outcome {
  return outcome.status === 'posted'
    ? { posted: outcome.posting }
    : { refused: { code: outcome.code, detail: outcome.detail, facts: outcome.facts ?? {} } };
}

export function decisionOf(row: WordRow): Decision {
  switch (row.state) {
    case 'pending':
      return { state: 'pending' };
    case 'confirmed':
      return { state: 'confirmed', posting: present(row.posting) };
    case 'refused':
      return { state: 'refused', refusal: refusalOf(row) };
    default:
      throw new Error(`assertion failed: no decision has the state ${row.state}`);
  }
}

export function orderOf(row: WordRow & { cancellation: string | null }): Order {
  switch (row.state) {
    case 'pending':
      return { state: 'pending' };
    case 'refused':
      return { state: 'refused', refusal: refusalOf(row) };
    case 'confirmed':
      return { state: 'confirmed', posting: present(row.posting) };
    case 'cancelling':
    case 'cancelled':
      return { state: row.state, posting: present(row.posting), cancellation: present(row.cancellation) };
    default:
      throw new Error(`assertion failed: no order has the state ${row.state}`);
  }
}

/** For many rows at once: five arrays in the order of `wordColumns`. */
export function wordArrays(states: readonly (Decision | Order)[]): unknown[] {
  const refusals = states.map((one) => (one.state === 'refused' ? one.refusal : undefined));
  return [
    states.map((one) => one.state),
    states.map((one) => ('posting' in one ? one.posting : null)),
    refusals.map((one) => one?.code ?? null),
    refusals.map((one) => one?.detail ?? null),
    refusals.map((one) => (one ? JSON.stringify(one.facts) : null)),
  ];
}

function refusalOf(row: WordRow): LedgerRefusal {
  return { code: present(row.refusal_code), detail: present(row.refusal_detail), facts: row.refusal_facts ?? {} };
}

/** The constraint `<table>_state_whole` says so. */
function present(text: string | null): string {
  assert(text !== null, 'a row must hold all of its state');
  return text;
}
