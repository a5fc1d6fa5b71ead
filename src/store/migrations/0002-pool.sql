-- What each worker's pool holds, as it told last: overwritten, and gone with the worker.
create table atos.pool_status (
  worker text primary key,
  at timestamptz not null,
  status json not null
);

-- What clients asked a worker to unload. Without a model: all that are idle.
create table atos.pool_wishes (
  id text primary key,
  worker text not null,
  model text,
  asked_at timestamptz not null,
  done_at timestamptz,
  answer json,
  check ((done_at is null) = (answer is null))
);

create index pool_wishes_open on atos.pool_wishes (worker, asked_at, id) where done_at is null;
