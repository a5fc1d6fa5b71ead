-- Each event names the one before it: its hash is over that one's hash and all of its own columns, so a trail that was
-- changed afterwards no longer adds up.
alter table atos.events add column hash bytea;

create function atos.event_hash(previous bytea, build_id text, seq integer, at timestamptz, type text, data text)
returns bytea
language sql immutable
return sha256(
  previous || convert_to(
    build_id || E'\n' || seq || E'\n' || (extract(epoch from at) * 1000000)::bigint || E'\n' || type || E'\n' || data,
    'UTF8'
  )
);

-- Appends events to one build's trail and returns the number of the last. Holds the build's lock until the transaction
-- ends. Volatile, so that what it reads after the lock is what others committed before they gave it up.
create function atos.append_events(of_build text, at_time timestamptz, types text[], texts text[])
returns integer
language plpgsql volatile
as $$
declare
  last_seq integer;
  last_hash bytea;
begin
  perform pg_advisory_xact_lock(1635020659, hashtext(of_build));
  select seq, hash into last_seq, last_hash from atos.events where build_id = of_build order by seq desc limit 1;
  last_seq := coalesce(last_seq, 0);
  last_hash := coalesce(last_hash, '');
  for index in 1 .. cardinality(types) loop
    last_seq := last_seq + 1;
    last_hash := atos.event_hash(last_hash, of_build, last_seq, at_time, types[index], texts[index]);
    insert into atos.events (build_id, seq, at, type, data, hash)
    values (of_build, last_seq, at_time, types[index], texts[index]::json, last_hash);
  end loop;
  return last_seq;
end
$$;

do $$
declare
  event record;
  last_build text := '';
  last_hash bytea := '';
begin
  for event in select * from atos.events order by build_id, seq loop
    if event.build_id <> last_build then
      last_hash := '';
    end if;
    last_build := event.build_id;
    last_hash := atos.event_hash(last_hash, event.build_id, event.seq, event.at, event.type, event.data::text);
    update atos.events set hash = last_hash where build_id = event.build_id and seq = event.seq;
  end loop;
end
$$;

alter table atos.events alter column hash set not null;

-- The workspace before and after an effect that changed it.
alter table atos.effects add column tree_before text;
alter table atos.effects add column tree_after text;
