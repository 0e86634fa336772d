-- What assistants may do beyond talking. `secrets` is sealed (AES-256-GCM, `v1:…`); their names alone are readable.
create table tools (
  business_id text not null references businesses (id) on delete cascade,
  id text not null,
  name text not null,
  definition jsonb not null,
  secret_names jsonb not null,
  secrets text,
  enabled boolean not null,
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null,
  primary key (business_id, id)
);
create unique index tools_name on tools (business_id, name);
create index tools_newest on tools (business_id, created_at desc, id desc);

-- What callers left behind, filled from the journal; only `done_at` is a person's. No foreign keys, as with calls.
create table messages (
  business_id text not null,
  id text not null,
  call_id text not null,
  name text not null,
  number text not null,
  text text not null,
  urgent boolean not null,
  taken_at timestamptz(3) not null,
  done_at timestamptz(3),
  primary key (business_id, id)
);
create index messages_newest on messages (business_id, taken_at desc, id desc);
create index messages_open on messages (business_id, taken_at desc, id desc) where done_at is null;
create index messages_call on messages (call_id);

create table callbacks (
  business_id text not null,
  id text not null,
  call_id text not null,
  name text not null,
  number text not null,
  wanted_when text not null,
  reason text not null,
  scheduled_at timestamptz(3) not null,
  done_at timestamptz(3),
  primary key (business_id, id)
);
create index callbacks_newest on callbacks (business_id, scheduled_at desc, id desc);
create index callbacks_open on callbacks (business_id, scheduled_at desc, id desc) where done_at is null;
create index callbacks_call on callbacks (call_id);
