-- Calls, filled from the journal only. No foreign keys: a call outlives its assistant, and an event that arrives after
-- its business was deleted must not hold up the events behind it.
create table calls (
  id text primary key,
  business_id text not null,
  direction text not null,
  gateway text not null,
  from_address text not null,
  to_address text not null,
  assistant_id text,
  assistant_name text,
  provider_call_id text,
  started_at timestamptz(3) not null,
  answered_at timestamptz(3),
  ended_at timestamptz(3),
  duration_ms double precision,
  ended_by text,
  ended_reason text,
  turns integer not null,
  has_recording boolean not null,
  summary text,
  voice_to_voice_p50_ms double precision
);
create index calls_newest on calls (business_id, started_at desc, id desc);
create index calls_assistant on calls (business_id, assistant_id, started_at desc, id desc);
create index calls_reason on calls (business_id, ended_reason, started_at desc, id desc);
create index calls_live on calls (business_id, started_at desc, id desc) where ended_at is null;

-- The facts in order; `body` holds what is particular to the type.
create table call_events (
  call_id text not null,
  seq integer not null,
  business_id text not null,
  type text not null,
  at double precision not null,
  body jsonb not null,
  primary key (call_id, seq)
);

-- The latency waterfall: one row per turn, times in milliseconds on the call's clock.
create table call_turns (
  call_id text not null,
  turn integer not null,
  business_id text not null,
  caller_text text,
  assistant_text text,
  interrupted boolean not null,
  stages jsonb not null,
  voice_to_voice_ms double precision,
  passages jsonb not null,
  primary key (call_id, turn)
);

-- What each party heard; `seq` is that of the event that began the line, times count from answer.
create table transcript_lines (
  call_id text not null,
  seq integer not null,
  business_id text not null,
  turn integer not null,
  party text not null,
  text text not null,
  from_ms double precision not null,
  to_ms double precision not null,
  words jsonb not null,
  interrupted boolean not null,
  confidence double precision,
  primary key (call_id, seq)
);

-- How far each journal has been read into these tables.
create table journal_cursor (
  journal text primary key,
  segment integer not null,
  byte_offset bigint not null,
  updated_at timestamptz(3) not null
);
