import type { Verified } from './check-books.js';
import type { Finding } from './findings.js';

/** What the command says of one programme. */
export function describeVerified({ programme, findings, rows, totals, outstanding, unsealed, head }: Verified): string {
  const list = (pairs: readonly (readonly [string, number | bigint])[]) =>
    pairs.map(([name, value]) => `${name} ${value.toLocaleString('en')}`).join(', ');
  const counted = Object.entries(rows).filter(([name]) => name !== 'ledger' && name !== 'programme' && name !== 'end');
  const lines = [
    programme || 'no programme',
    `  rows         ${list(counted) || 'none'}`,
    `  points       ${list(Object.entries(totals).sort()) || 'none'}; outstanding ${outstanding.toLocaleString('en')}`,
    `  chain        ${head ? `head is block ${head.number}, ${head.hash}, sealed at ${head.sealedAt}` : 'nothing sealed'}; ${unsealed} rows unsealed`,
  ];
  const [first] = findings.first;
  if (!first) return [...lines, '  OK           every balance, lot and hold follows from the transfers, and the chain holds'].join('\n');
  return [
    ...lines,
    `  WRONG        ${findings.count} findings (${list([...findings.byTable])})`,
    `  the first    ${describeFinding(first)}`,
    ...findings.first.slice(1).map((finding) => `  further      ${describeFinding(finding)}`),
  ].join('\n');
}

function describeFinding({ table, key, expected, found }: Finding): string {
  return `${table} ${key}: expected ${expected}; found ${found}`;
}
