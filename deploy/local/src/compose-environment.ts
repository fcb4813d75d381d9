/** The text of compose.env: our lines as they are now, and behind them whatever an operator added, or has changed of what we propose. */
export function composeEnvironment(
  before: string,
  ours: Readonly<Record<string, string>>,
  proposed: Readonly<Record<string, string>> = {},
): string {
  const theirs = before.split('\n').filter((line) => line.trim() && !Object.hasOwn(ours, nameOf(line)));
  const missing = Object.entries(proposed).filter(([name]) => !theirs.some((line) => nameOf(line) === name));
  return [...[...Object.entries(ours), ...missing].map(([name, value]) => `${name}=${value}`), ...theirs, ''].join('\n');
}

function nameOf(line: string): string {
  return line.split('=', 1)[0] ?? '';
}

/** The files that docker-compose.yml mounts as secrets. */
export function secretFiles(services: readonly string[]): string[] {
  return [
    ...[
      'postgres-password',
      'admin-database-url',
      'database-passwords.json',
      'identity-jwks.json',
      'bootstrap-clients.json',
      'exchange-coupon-key',
      'exchange-link-keys',
      'partner-site-client-secret',
    ],
    ...services.flatMap((service) => [`${service}-database-url`, `${service}-migration-database-url`]),
  ];
}
