-- What the assistants of a business know: documents as text, and questions with an approved answer.
create table documents (
  business_id text not null references businesses (id) on delete cascade,
  id text not null,
  title text not null,
  text text not null,
  language text not null,
  tags jsonb not null,
  passages integer not null,
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null,
  primary key (business_id, id)
);
create index documents_newest on documents (business_id, created_at desc, id desc);

create table questions (
  business_id text not null references businesses (id) on delete cascade,
  id text not null,
  phrasings jsonb not null,
  answer text not null,
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null,
  primary key (business_id, id)
);
create index questions_newest on questions (business_id, created_at desc, id desc);
