import { answer, refusal, type Answer } from '@points/http';
import type { RefusalView } from './place-exchange-order/order-view.js';

/** What another party refused, as this service's problem: the code and the facts are passed on as they came. */
export function refusedAnswer(
  refused: RefusalView | undefined,
  about: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Answer<never> {
  if (!refused) throw new Error('assertion failed: what is refused has a reason');
  const { status, body, headers: own } = refusal(422, refused.code, refused.detail, { ...refused.facts, ...about });
  return answer(status, body, { ...own, ...headers });
}
