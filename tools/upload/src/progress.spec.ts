import { endText, progressText, sendingText } from './progress.js';
import type { Upload } from './service.js';

const upload: Upload = {
  ...{ upload: 'u', state: 'booking', dryRun: false, lines: 1_000, checked: 1_000, processed: 600, bad: 10, known: 0 },
  ...{ placed: 590, booked: 490, refused: 0, linesPerSecond: 812.4, remainingSeconds: 75 },
};

describe('the line about an upload', () => {
  it('counts what has ended, and tells rate and remaining time', () => {
    expect(progressText(upload)).toBe(
      'booking  [###############...............]  50 % 500 of 1000  812/s  1 min 15 s left  10 bad, 0 refused',
    );
  });

  it('says what is checked and sent', () => {
    expect(progressText({ ...upload, state: 'checking' })).toBe('checking  1000 lines, 10 bad');
    expect(sendingText(500_000, 2_000_000)).toBe('sending  [#######.......................]  25 % 0.5 of 2.0 MB');
  });

  it.each([
    [
      { state: 'done', processed: 1_000, placed: 990, booked: 985, refused: 5 },
      'done: 1000 lines, 985 booked, 0 existed already, 5 refused by the ledger, 10 bad',
    ],
    [
      { state: 'cancelled', booked: 590 },
      'cancelled: 1000 lines, 590 booked, 0 existed already, 0 refused by the ledger, 10 bad, 400 not booked',
    ],
    [
      { state: 'done', dryRun: true, placed: 0, known: 3 },
      'checked: 1000 lines, 990 good (3 of them exist already), 10 bad; nothing was booked',
    ],
    [{ state: 'failed', failure: { code: 'no-header', detail: 'the file is empty' } }, 'failed: the file is empty [no-header]'],
  ] as const)('tells the end of %j', (changes, text) => {
    expect(endText({ ...upload, ...changes })).toBe(text);
  });
});
