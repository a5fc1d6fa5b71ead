-- What was done in a build goes into the ledger with the statement that begins its next step, or a moment later by
-- itself: a statement is a round trip and a commit, and most steps follow at once upon each other.

-- Records in order what `held` lists, each with its events: the end of an effect that was reserved, or, where it has a
-- `kind`, a step that is recorded when it is done, with what it changes beside: the `state` of the task `state_of`, or
-- what a tier made of a task, `outcome`, where a result that is there already stays. A `result` is text that is JSON:
-- models may say characters that Postgres refuses to take out of JSON.
--
-- False when the run has ended; then nothing is recorded. What is done already is never changed: it fails with AT001
-- and the step's id; with AT002 where no such effect was reserved, and with AT003 where there is no such task.
create function atos.record_held(of_build text, of_run integer, held json)
returns boolean
language plpgsql volatile
as $$
declare
  step record;
begin
  if not atos.has_claim(of_build, of_run) then
    return false;
  end if;
  for step in
    select * from json_to_recordset(held) as (
      id text, at timestamptz, result text, tree text, types text[], texts text[],
      kind text, name text, task text, hash text, state_of text, state text, outcome json
    )
  loop
    if step.kind is null then
      update atos.effects
      set state = 'done', result = step.result::json, tree_after = step.tree, finished_at = step.at
      where id = step.id and state = 'reserved';
    else
      insert into atos.effects (id, build_id, kind, name, task, input_hash, state, result, reserved_at, finished_at)
      values (
        step.id, of_build, step.kind, step.name, step.task, step.hash, 'done', step.result::json, step.at, step.at
      )
      on conflict (id) do nothing;
    end if;
    if not found then
      raise exception using
        errcode = case when exists (select from atos.effects where id = step.id) then 'AT001' else 'AT002' end,
        message = step.id;
    end if;
    if step.state is not null then
      update atos.tasks set state = step.state, updated_at = step.at where build_id = of_build and id = step.state_of;
      if not found then
        raise exception using errcode = 'AT003', message = step.state_of;
      end if;
    end if;
    if step.outcome is not null then
      insert into atos.task_results (build_id, task, tier, worker, model, kind, size, green, samples, rounds, at)
      select of_build, task, tier, worker, model, kind, size, green, samples, rounds, step.at
      from json_populate_record(null::atos.task_results, step.outcome)
      on conflict do nothing;
    end if;
    if cardinality(step.types) > 0 then
      perform atos.append_events(of_build, step.at, step.types, step.texts);
    end if;
  end loop;
  return true;
end
$$;

-- Records what is held, then begins an effect where nothing stands in the way of its first attempt: as
-- `reserve_effect`, and with that attempt, counted, and told after the events that come before it. One that was cut off
-- begins its next attempt. `told` is as for `start_attempt`. A row that is not `done` and has another input is shown as
-- it is. No row when the run has ended, and the effect is not done.
create function atos.begin_effect(
  of_build text, of_run integer, held json, of_id text, of_kind text, of_name text, of_task text, of_hash text,
  told text, at_time timestamptz, types text[], texts text[]
)
returns table (state text, input_hash text, attempts integer, result json)
language plpgsql volatile
as $$
#variable_conflict use_column
declare
  attempt integer;
  has_claim boolean := false;
begin
  if held is not null then
    has_claim := atos.record_held(of_build, of_run, held);
    if not has_claim then
      return;
    end if;
  end if;
  return query select state, input_hash, attempts, result from atos.effects where id = of_id and state = 'done';
  if found or not (has_claim or atos.has_claim(of_build, of_run)) then
    return;
  end if;
  return query
    insert into atos.effects (id, build_id, kind, name, task, input_hash, state, reserved_at, attempts)
    values (of_id, of_build, of_kind, of_name, of_task, of_hash, 'reserved', at_time, 1)
    on conflict (id) do nothing
    returning state, input_hash, attempts, result;
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
  return query select state, input_hash, attempts, result from atos.effects where id = of_id;
end
$$;
