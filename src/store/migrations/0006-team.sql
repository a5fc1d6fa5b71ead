-- Which criteria of the specification a task answers for, and what sort of work it is.
alter table atos.tasks
  add column covers json not null default '[]',
  add column kind text not null default 'other';

-- What each tier made of each task it was given: this installation's own pass rates, kept when a build is forgotten.
create table atos.task_results (
  build_id text not null,
  task text not null,
  tier text not null,
  worker text not null,
  model text not null,
  kind text not null,
  -- Criteria the task answers for.
  size integer not null,
  green boolean not null,
  samples integer not null,
  rounds integer not null,
  at timestamptz not null,
  primary key (build_id, task, tier)
);

create index task_results_by_model on atos.task_results (worker, model);

-- A build that goes on from a step of another one.
alter table atos.builds
  add column forked_from text,
  add column forked_step text;

-- What a person answered besides yes or no.
alter table atos.approvals add column answer json;
