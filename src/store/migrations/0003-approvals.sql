-- Questions that only a person can answer, each about one call and bound to exactly what is shown of it: what was shown
-- (as json, for the reasons of 0001) and the hash of that with the call are never changed.
create table atos.approvals (
  -- Eight letters: people type it.
  id text primary key,
  build_id text not null references atos.builds on delete cascade,
  task text not null,
  call_id text not null,
  tool text not null,
  shown json not null,
  hash text not null,
  state text not null check (state in ('open', 'approved', 'denied', 'expired')),
  asked_at timestamptz not null,
  expires_at timestamptz not null,
  answered_at timestamptz,
  answered_by text,
  reason text,
  check ((state = 'open') = (answered_at is null))
);

-- The same question again is the same row; a call that changed is another question.
create unique index approvals_by_call on atos.approvals (call_id, hash);

create index approvals_open on atos.approvals (asked_at, id) where state = 'open';
