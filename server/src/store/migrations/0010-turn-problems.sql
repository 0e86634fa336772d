-- What was bad about a call, for the list of calls: turns by problem ("slow": 2), written once after it has ended. Null: nobody
-- has looked yet; calls of before stay so.
alter table calls add column turn_problems jsonb;
create index calls_slow on calls (business_id, started_at desc, id desc) where turn_problems ->> 'slow' is not null;
create index calls_unread on calls (ended_at) where ended_at is not null and turn_problems is null;
