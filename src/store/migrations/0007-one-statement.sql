-- What most steps of a build do is one statement each: a statement is a round trip, and outside a transaction a commit.

-- As `reserve_effect`, and where nothing stands in the way of the first attempt, also that attempt: counted, and told
-- after the events that come before it. One that was cut off begins its next attempt. `told` is as for `start_attempt`.
-- A row that is not `done` and has another input is shown as it is.
create function atos.begin_effect(
  of_build text, of_run integer, of_id text, of_kind text, of_name text, of_task text, of_hash text, told text,
  at_time timestamptz, types text[], texts text[]
)
returns setof atos.effects
language plpgsql volatile
as $$
declare
  attempt integer;
begin
  return query select * from atos.effects where id = of_id and state = 'done';
  if found or not atos.has_claim(of_build, of_run) then
    return;
  end if;
  return query
    insert into atos.effects (id, build_id, kind, name, task, input_hash, state, reserved_at, attempts)
    values (of_id, of_build, of_kind, of_name, of_task, of_hash, 'reserved', at_time, 1)
    on conflict (id) do nothing
    returning *;
  if found then
    perform atos.append_events(
      of_build, at_time, types || text 'attempt-started', texts || (left(told, -1) || ',"attempt":1}')
    );
    return;
  end if;
  update atos.effects set attempts = attempts + 1 where id = of_id and state = 'reserved' and input_hash = of_hash
  returning attempts into attempt;
  if found then
    perform atos.append_events(
      of_build, at_time, array['attempt-started'], array[left(told, -1) || ',"attempt":' || attempt || '}']
    );
  end if;
  return query select * from atos.effects where id = of_id;
end
$$;

-- As `record_effect`, with a task's new state in the same step. Where there is no such task it fails with no_data_found.
create function atos.record_task_state(
  of_build text, of_run integer, of_id text, of_name text, of_hash text, at_time timestamptz, types text[],
  texts text[], of_task text, new_state text
)
returns text
language plpgsql volatile
as $$
declare
  outcome text;
begin
  outcome := atos.record_effect(of_build, of_run, of_id, 'record', of_name, '', of_hash, 'null', at_time, types, texts);
  if outcome = 'recorded' then
    update atos.tasks set state = new_state, updated_at = at_time where build_id = of_build and id = of_task;
    if not found then
      raise no_data_found;
    end if;
  end if;
  return outcome;
end
$$;

-- As `record_effect`, with what a tier made of a task in the same step; a result that is there already stays.
create function atos.record_task_result(
  of_build text, of_run integer, of_id text, of_name text, of_hash text, at_time timestamptz, types text[],
  texts text[], of_result json
)
returns text
language plpgsql volatile
as $$
declare
  outcome text;
begin
  outcome := atos.record_effect(of_build, of_run, of_id, 'record', of_name, '', of_hash, 'null', at_time, types, texts);
  if outcome = 'recorded' then
    insert into atos.task_results (build_id, task, tier, worker, model, kind, size, green, samples, rounds, at)
    select of_build, task, tier, worker, model, kind, size, green, samples, rounds, at_time
    from json_populate_record(null::atos.task_results, of_result)
    on conflict do nothing;
  end if;
  return outcome;
end
$$;
