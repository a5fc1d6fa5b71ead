-- Payloads are json, not jsonb: jsonb refuses the escapes for U+0000 and lone surrogates, both of which a model can
-- say, and it reorders keys, so that a replayed result would no longer hash to what was recorded.

create table atos.builds (
  id text primary key,
  goal text not null,
  state text not null check (state in ('queued', 'running', 'paused', 'cancelled', 'green', 'red', 'refused')),
  request json not null,
  wish text check (wish in ('pause', 'cancel')),
  -- The installation that runs it: its folder, its model files and its keys are on that machine only.
  worker text not null,
  out_directory text not null,
  result json,
  created_at timestamptz not null,
  updated_at timestamptz not null
);

create index builds_by_age on atos.builds (created_at desc, id desc);

-- Two clients that ask at the same moment both find the directory free; only one may have it.
create unique index builds_one_per_directory on atos.builds (worker, out_directory)
  where state in ('queued', 'running', 'paused');

create table atos.tasks (
  build_id text not null references atos.builds on delete cascade,
  id text not null,
  position integer not null,
  tier text not null,
  state text not null check (state in ('waiting', 'running', 'green', 'red', 'skipped')),
  files json not null,
  after json not null,
  description text not null,
  model text,
  updated_at timestamptz not null,
  primary key (build_id, id)
);

create table atos.effects (
  id text primary key,
  build_id text not null references atos.builds on delete cascade,
  kind text not null,
  name text not null,
  task text not null,
  input_hash text not null,
  state text not null check (state in ('reserved', 'done')),
  attempts integer not null default 0,
  result json,
  reserved_at timestamptz not null,
  finished_at timestamptz
);

create index effects_by_build on atos.effects (build_id, reserved_at, id);

create table atos.events (
  build_id text not null references atos.builds on delete cascade,
  seq integer not null,
  at timestamptz not null,
  type text not null,
  data json not null,
  primary key (build_id, seq)
);
