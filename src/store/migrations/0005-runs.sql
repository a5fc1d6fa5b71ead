-- Steps are found by their names, so the ledger is the checkpoint of a build. What a run of a build records goes through
-- these functions, one statement each, and only as long as the run has its claim.
--
-- Locks are taken in this order: the build's row, its effects, its trail.

-- How often the build was begun. A later run takes the claim from an earlier one, and so does whoever stops the build.
alter table atos.builds add column run integer not null default 0;

-- Whether `of_run` is the run of the build, and the build runs; if so it stays that way until the transaction ends.
-- Null: nobody asks.
create function atos.has_claim(of_build text, of_run integer)
returns boolean
language plpgsql volatile
as $$
begin
  if of_run is null then
    return true;
  end if;
  -- No weaker lock: a transaction that goes on to change the row would then wait for another that does the same.
  perform 1 from atos.builds where id = of_build and run = of_run and state = 'running' for no key update;
  return found;
end
$$;

-- The effect's row: the one that is there, untouched, or a new one, with events that come before it in the trail. No
-- row when the run has ended; what is done is shown to everybody, for that writes nothing.
create function atos.reserve_effect(
  of_build text, of_run integer, of_id text, of_kind text, of_name text, of_task text, of_hash text, of_tree text,
  at_time timestamptz, types text[], texts text[]
)
returns setof atos.effects
language plpgsql volatile
as $$
begin
  return query select * from atos.effects where id = of_id and state = 'done';
  if found or not atos.has_claim(of_build, of_run) then
    return;
  end if;
  return query
    insert into atos.effects (id, build_id, kind, name, task, input_hash, state, reserved_at, tree_before)
    values (of_id, of_build, of_kind, of_name, of_task, of_hash, 'reserved', at_time, of_tree)
    on conflict (id) do nothing
    returning *;
  if not found then
    return query select * from atos.effects where id = of_id;
  elsif cardinality(types) > 0 then
    perform atos.append_events(of_build, at_time, types, texts);
  end if;
end
$$;

-- Counts an attempt, tells the trail of it and returns its number. `told` is the event's data, a JSON object that lacks
-- only that number. Null when the run has ended, 0 when no such effect is reserved.
create function atos.start_attempt(of_build text, of_run integer, of_id text, at_time timestamptz, told text)
returns integer
language plpgsql volatile
as $$
declare
  attempt integer;
begin
  if not atos.has_claim(of_build, of_run) then
    return null;
  end if;
  update atos.effects set attempts = attempts + 1 where id = of_id and state = 'reserved' returning attempts into attempt;
  if not found then
    return 0;
  end if;
  perform atos.append_events(
    of_build, at_time, array['attempt-started'], array[left(told, -1) || ',"attempt":' || attempt || '}']
  );
  return attempt;
end
$$;
