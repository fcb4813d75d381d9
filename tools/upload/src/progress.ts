import type { Upload } from './service.js';

const barCharacters = 30;

/** One line about an upload: what it does, how far it is, how fast, and how long it may take. */
export function progressText(upload: Upload): string {
  const { state, lines, checked, placed, booked, refused, processed, bad, linesPerSecond, remainingSeconds } = upload;
  if (state === 'booking' && lines !== undefined) {
    const ended = processed - (placed - booked - refused);
    return [
      `booking  ${bar(ended / lines)} ${ended} of ${lines}`,
      ...(linesPerSecond === undefined ? [] : [`${Math.round(linesPerSecond)}/s`]),
      ...(remainingSeconds === undefined ? [] : [`${timeText(remainingSeconds)} left`]),
      ...(bad + refused > 0 ? [`${bad} bad, ${refused} refused`] : []),
    ].join('  ');
  }
  if (state === 'checking') return `checking  ${checked} lines${bad > 0 ? `, ${bad} bad` : ''}`;
  return state;
}

export function sendingText(sent: number, bytes: number): string {
  return `sending  ${bar(bytes === 0 ? 1 : sent / bytes)} ${(sent / 1_000_000).toFixed(1)} of ${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** What came of it, in one sentence. */
export function endText(upload: Upload): string {
  const { state, dryRun, lines = 0, bad, known, booked, refused, placed, failure } = upload;
  if (state === 'failed') return `failed: ${failure?.detail ?? 'no reason given'} [${failure?.code ?? ''}]`;
  if (dryRun) return `checked: ${lines} lines, ${lines - bad} good (${known} of them exist already), ${bad} bad; nothing was booked`;
  const rest = state === 'cancelled' ? `, ${lines - bad - known - placed} not booked` : '';
  return `${state}: ${lines} lines, ${booked} booked, ${known} existed already, ${refused} refused by the ledger, ${bad} bad${rest}`;
}

function bar(share: number): string {
  const full = Math.min(barCharacters, Math.floor(share * barCharacters));
  return `[${'#'.repeat(full)}${'.'.repeat(barCharacters - full)}] ${String(Math.floor(share * 100)).padStart(3)} %`;
}

function timeText(seconds: number): string {
  const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60];
  return minutes === 0 ? `${rest} s` : `${minutes} min ${rest} s`;
}
