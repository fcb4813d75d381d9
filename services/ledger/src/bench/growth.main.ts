import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { fillHistory } from './fill-history.js';
import { fillAccounts, growthBooks } from './growth-books.js';
import { measureChainer } from './measure-chainer.js';
import { measureExpiry } from './measure-expiry.js';
import { measureReports } from './measure-reports.js';
import { measureSizes } from './measure-sizes.js';
import type { Measure } from './measures.js';
import { withThrowawayPostgres } from './throwaway-postgres.js';

// npm run bench -- growth --json FILE: what a hundred times the accounts and ten million entries cost, on one durable PostgreSQL.
const scales = {
  small: { few: 1_000, accounts: 50_000, ended: 50_000, transfers: 250_000, holders: 10_000, seconds: 3 },
  full: { few: 10_000, accounts: 1_000_000, ended: 1_000_000, transfers: 5_000_000, holders: 100_000, seconds: 8 },
} as const;
const lotsEach = 10;
const parts = ['sizes', 'chainer', 'expiry', 'reports'] as const;

const { values } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string' }, scale: { type: 'string', default: 'full' }, only: { type: 'string', default: parts.join(',') } },
});
const scale = values.scale === 'small' || values.scale === 'full' ? scales[values.scale] : undefined;
const wanted = values.only.split(',');
if (!values.json || !scale || !wanted.every((one) => (parts as readonly string[]).includes(one))) {
  console.error(`usage: npm run bench -- growth --json FILE [--scale small|full] [--only ${parts.join(',')}]`);
  process.exit(64); // EX_USAGE of sysexits.h
}

const { json } = values;
const rows: Measure[] = [];
const report = (measured: readonly Measure[]) => {
  for (const { name, ratio, ratio_to, ...figures } of measured) {
    const list = Object.entries(figures).map(([key, value]) => `${key} ${value}`);
    console.log(`${name.padEnd(24)} ${list.join('  ')}  ${ratio} × ${ratio_to}`);
  }
  rows.push(...measured);
  writeFileSync(json, `${JSON.stringify(rows, null, 2)}\n`);
};
const told = async <T>(what: string, work: Promise<T>): Promise<T> => {
  const started = performance.now();
  const result = await work;
  console.log(`${what}: ${Math.round((performance.now() - started) / 1_000)} s`);
  return result;
};

// A full run takes about 12 GB of disk.
await withThrowawayPostgres('growth', async ({ adminUrl, pid }) => {
  if (wanted.some((one) => one !== 'reports')) {
    const few = await growthBooks(adminUrl, 'few');
    const many = await growthBooks(adminUrl, 'many');
    try {
      await told(`${scale.few} accounts with ${lotsEach} lots each`, fillAccounts(few, scale.few, lotsEach));
      if (wanted.includes('chainer')) report(await measureChainer(few, scale.few, { seconds: scale.seconds, postgresPid: pid }));
      if (wanted.some((one) => one === 'sizes' || one === 'expiry'))
        await told(`${scale.accounts} accounts with ${lotsEach} lots each`, fillAccounts(many, scale.accounts, lotsEach));
      if (wanted.includes('sizes'))
        report(await measureSizes({ few, many }, { few: scale.few, many: scale.accounts }, { seconds: scale.seconds, postgresPid: pid }));
      if (wanted.includes('expiry')) report(await measureExpiry(many, scale, { seconds: scale.seconds, postgresPid: pid }));
    } finally {
      await few.close();
      await many.close();
    }
  }
  if (wanted.includes('reports')) {
    const books = await growthBooks(adminUrl, 'history');
    try {
      const history = await told(`${2 * scale.transfers} entries`, fillHistory(books, scale.transfers, scale.holders));
      report(await measureReports(books, history));
    } finally {
      await books.close();
    }
  }
});
