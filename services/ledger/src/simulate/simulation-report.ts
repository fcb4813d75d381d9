import type { Simulated } from './simulate.js';

/** A run in a few lines; a failure with what replays it. */
export function reportOf({ seed, steps, rounds, seconds, counts, failure }: Simulated): string {
  const lines = [
    Object.entries(counts)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([what, count]) => `  ${String(count).padStart(8)} ${what}`)
      .join('\n'),
    `seed ${seed}: ${steps} steps in ${rounds} rounds, ${seconds.toFixed(1)} s, ${Math.round(steps / seconds)} steps/s`,
  ];
  if (failure) {
    const { step, round, what, differences, story } = failure;
    lines.push(
      `DIFFERENT at step ${step}, round ${round} (${what}); replay with: npm run simulate -- --seed ${seed} --steps ${step}`,
      ...differences.map((difference) => `  ${difference}`),
      'what was asked of these accounts, the latest last:',
      ...story.map((line) => `  ${line}`),
    );
  } else lines.push('no difference');
  return lines.join('\n');
}
