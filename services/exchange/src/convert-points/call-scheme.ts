import { askOutside } from '../reach-outside/ask-outside.js';
import type { Reach } from '../reach-outside/request-outside.js';
import { readSchemeAnswer, type SchemeAnswer } from '../rules/scheme-answer.js';
import type { Credit } from './credit.js';

/**
 * Has an outside card scheme credit a member. PUT under an id that is unique over all programmes (a scheme may serve several), so a
 * repeated call is the same credit. Whatever goes wrong on the way is an answer too: nobody knows yet.
 */
export async function callScheme(credit: Credit, reach: Reach, stop: AbortSignal): Promise<SchemeAnswer> {
  const id = `${credit.cause.programme}:${credit.conversionId}`;
  const address = `${credit.endpoint.replace(/\/$/, '')}/schemes/${encodeURIComponent(credit.scheme)}/credits/${encodeURIComponent(id)}`;
  const { member, points, requestedAt, secret } = credit;
  const call = { method: 'PUT', body: { member, points, requestedAt }, withinMs: callMsMax } as const;
  const said = await askOutside(address, { ...call, ...(secret !== undefined && { token: secret }) }, reach, stop);
  return 'failed' in said ? { kind: 'failed', reason: said.failed } : readSchemeAnswer(said.status, said.body);
}

/** A scheme's counter systems are slow on festival days; a resident's page is not kept waiting by it (202 after 3 s). */
export const callMsMax = 10_000;
