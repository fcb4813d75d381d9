/**
 * The end that a lot had: what it has now, but for extensions that did not hold yet at an instant or were not known at another. Each
 * moved the end to a later time, so the earliest end that one of them began from is the one that held before them all.
 * `lot` is the table's name in the statement, whose $1 is the programme; `at` and `known` are parameters, and one that is null hides
 * nothing. Whether anything is hidden is asked once and not for every lot: it is known from the latest extension of the programme.
 */
export function endAsOf({ lot, at, known }: { lot: string; at?: string; known: string }): string {
  const times = [['recorded_at', known] as const, ...(at === undefined ? [] : [['effective_at', at] as const])];
  const isAnyHidden = times.map(
    ([time, limit]) => `(select max(x.${time}) from extension x where x.programme = $1) > ${limit}::timestamptz`,
  );
  const isHidden = times.map(([time, limit]) => `x.${time} > ${limit}::timestamptz`);
  return `case when ${isAnyHidden.join(' or ')} then coalesce((
      select min(x.from_end) from extension x
      where x.programme = ${lot}.programme and x.account = ${lot}.account and x.lot = ${lot}.lot and (${isHidden.join(' or ')})
    ), ${lot}.expires_at) else ${lot}.expires_at end`;
}
