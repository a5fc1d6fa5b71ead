-- A build that an evaluation made: nobody who looks for the newest of their builds means it.
alter table atos.builds add column evaluation boolean not null default false;
