export interface TableRow {
  readonly name: string;
  readonly url: string;
  readonly hasDocs: boolean;
}

export function serviceTable(rows: readonly TableRow[]): string {
  const cells = [
    ['service', 'URL', 'API docs', 'health'],
    ...rows.map(({ name, url, hasDocs }) => [name, url, hasDocs ? `${url}/docs` : '', `${url}/health/ready`]),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
