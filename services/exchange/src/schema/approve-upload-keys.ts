import type { Migration } from '@points/database';

/** A key lets files of orders in, as terms do: it takes two persons. Those that are there hold on, and name no second person. */
export const approveUploadKeys: Migration = {
  name: 'ApproveUploadKeys1763800002952',
  up: `
    alter table upload_key
      add column approved_by text,
      add column approved_at timestamptz;
    select set_config('app.tenant', '*', true);
    update upload_key set approved_at = registered_at;
    select set_config('app.tenant', '', true);
    alter table upload_key
      add constraint upload_key_second_person check (approved_by <> registered_by),
      add constraint upload_key_approval_dated check (approved_by is null or approved_at is not null);
    grant update (approved_by, approved_at) on upload_key to {app};`,
};
