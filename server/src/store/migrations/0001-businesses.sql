-- Who the call centre works for, and what each business has set up. Every row belongs to one business; the composite
-- keys make a reference across businesses impossible.
create table businesses (
  id text primary key,
  name text not null,
  language text not null,
  time_zone text not null,
  created_at timestamptz(3) not null
);
create index businesses_newest on businesses (created_at desc, id desc);

create table assistants (
  business_id text not null references businesses (id) on delete cascade,
  id text not null,
  name text not null,
  slug text not null,
  greeting text not null,
  instructions text not null,
  goodbye text not null,
  language text not null,
  voice text not null,
  transcriber text,
  language_model text,
  synthesizer text,
  eagerness text not null,
  idle_ms integer not null,
  max_duration_ms integer not null,
  recording boolean not null,
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null,
  primary key (business_id, id)
);
create unique index assistants_slug on assistants (slug);
create index assistants_newest on assistants (business_id, created_at desc, id desc);

create table numbers (
  business_id text not null references businesses (id) on delete cascade,
  id text not null,
  address text not null,
  assistant_id text not null,
  label text not null,
  created_at timestamptz(3) not null,
  primary key (business_id, id),
  foreign key (business_id, assistant_id) references assistants (business_id, id)
);
create unique index numbers_address on numbers (business_id, address);
-- A telephone number reaches one business only; a SIP user name is the business's own.
create unique index numbers_e164 on numbers (address) where address like '+%';
create index numbers_assistant on numbers (business_id, assistant_id);
create index numbers_newest on numbers (business_id, created_at desc, id desc);

create table trunks (
  business_id text not null references businesses (id) on delete cascade,
  id text not null,
  name text not null,
  sources jsonb not null,
  username text,
  password text,
  registrar text,
  register_user text,
  register_password text,
  outbound_proxy text,
  created_at timestamptz(3) not null,
  primary key (business_id, id)
);
-- The digest user name decides the business, so it is unique in the whole installation.
create unique index trunks_username on trunks (username) where username is not null;
create index trunks_newest on trunks (business_id, created_at desc, id desc);

create table api_keys (
  id text primary key,
  business_id text references businesses (id) on delete cascade,
  name text not null,
  prefix text not null,
  hash text not null,
  scopes jsonb not null,
  created_at timestamptz(3) not null
);
create unique index api_keys_hash on api_keys (hash);
create index api_keys_newest on api_keys (created_at desc, id desc);
create index api_keys_business on api_keys (business_id, created_at desc, id desc);
