import { tenantTable, type Migration } from '@points/database';

/** What the ledger has told of its programmes: for what a resident must know before an exchange. */
export const createProgrammeFacts: Migration = {
  name: 'CreateProgrammeFacts1763800002010',
  up: `
    create table programme_fact (
      tenant text not null,
      programme text not null,
      name text not null,
      last_grant_day date,
      last_use_day date,
      versions jsonb not null,
      changed_at timestamptz not null,
      constraint programme_fact_pk primary key (programme)
    );
    ${tenantTable('programme_fact')}
    grant select, insert, update on programme_fact to {app};`,
};
