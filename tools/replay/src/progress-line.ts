/** One line that changes in a terminal; in a log a line now and then. */
export function progressLine(title: string): { show(text: string, isLast?: boolean): void; end(): void } {
  const isTerminal = process.stdout.isTTY;
  let shownAt = isTerminal ? 0 : Date.now();
  let isOpen = false;
  return {
    show: (text, isLast = false) => {
      const now = Date.now();
      if (!isLast && now - shownAt < (isTerminal ? terminalEveryMs : logEveryMs)) return;
      shownAt = now;
      if (isTerminal) process.stdout.write(`\r\u001b[2K${title}: ${text}`);
      else console.log(`${title}: ${text}`);
      isOpen = true;
    },
    end: () => {
      if (isOpen && isTerminal) process.stdout.write('\n');
      isOpen = false;
    },
  };
}

const terminalEveryMs = 100;
const logEveryMs = 2_000;
