-- What a business knows: documents as files that are read in the background, passages, vectors, crawled sites, gaps.

-- `version` counts uploads; only passages of `live_version` (0: none yet) are searched. `text` is what was last read or
-- written. Documents of before are read anew by a job, which makes their passages.
alter table documents
  add column base text not null default 'main',
  add column audience text not null default 'everyone',
  add column format text not null default 'markdown',
  add column state text not null default 'waiting',
  add column fault text,
  add column detail text,
  add column progress double precision not null default 0,
  add column version integer not null default 1,
  add column live_version integer not null default 0,
  add column pages integer,
  add column bytes integer not null default 0,
  add column file_name text,
  add column source_id text,
  add column url text;
update documents set bytes = octet_length(text);
create index documents_source on documents (business_id, source_id) where source_id is not null;
create index documents_unfinished on documents (created_at) where state not in ('ready', 'failed');

alter table questions
  add column base text not null default 'main',
  add column language text not null default 'en',
  add column tags jsonb not null default '[]',
  add column audience text not null default 'everyone';

alter table assistants
  add column knowledge jsonb not null default '{"bases":[],"documentIds":[],"tags":[],"languages":[],"audiences":[]}',
  add column grounding text not null default 'strict';

-- Uploads as they came: of the live version and of the one being read. `digest` is SHA-256 of the bytes.
create table document_files (
  business_id text not null,
  document_id text not null,
  version integer not null,
  file_name text not null,
  media_type text not null,
  digest text not null,
  created_at timestamptz(3) not null,
  primary key (business_id, document_id, version),
  foreign key (business_id, document_id) references documents (business_id, id) on delete cascade
);

-- In parts, so that no statement carries a whole file: the embedded database takes long ones in quadratic time.
create table document_file_parts (
  business_id text not null,
  document_id text not null,
  version integer not null,
  part integer not null,
  bytes bytea not null,
  primary key (business_id, document_id, version, part),
  foreign key (business_id, document_id, version) references document_files (business_id, document_id, version)
    on delete cascade on update cascade
);
-- Most formats are compressed as they come: trying again costs seconds and gains nothing.
alter table document_file_parts alter column bytes set storage external;

-- Base, language, tags and audience are the document's: one truth. `digest` is of what is embedded.
create table passages (
  business_id text not null,
  document_id text not null,
  version integer not null,
  position integer not null,
  title text not null,
  text text not null,
  digest text not null,
  primary key (business_id, document_id, version, position),
  foreign key (business_id, document_id) references documents (business_id, id) on delete cascade
);
create index passages_digest on passages (business_id, digest);

-- Vectors by what was embedded, so that nothing is embedded twice. `vector` is float32, little endian.
create table embeddings (
  business_id text not null references businesses (id) on delete cascade,
  embedder text not null,
  digest text not null,
  vector bytea not null,
  created_at timestamptz(3) not null,
  primary key (business_id, embedder, digest)
);

-- Sites that are crawled. The counts are of the present or last crawl.
create table sources (
  business_id text not null references businesses (id) on delete cascade,
  id text not null,
  url text not null,
  max_depth integer not null,
  max_pages integer not null,
  every_hours integer,
  base text not null,
  language text not null,
  tags jsonb not null,
  audience text not null,
  state text not null,
  fault text,
  detail text,
  found integer not null,
  read integer not null,
  changed integer not null,
  refused integer not null,
  crawled_at timestamptz(3),
  next_at timestamptz(3),
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null,
  primary key (business_id, id)
);
create index sources_newest on sources (business_id, created_at desc, id desc);
create index sources_due on sources (next_at) where next_at is not null;

-- What a crawl remembers of each page; `document_id` is null when a person deleted the page's document.
create table source_pages (
  business_id text not null,
  source_id text not null,
  url text not null,
  document_id text,
  etag text,
  last_modified text,
  digest text not null,
  seen_at timestamptz(3) not null,
  primary key (business_id, source_id, url),
  foreign key (business_id, source_id) references sources (business_id, id) on delete cascade
);
create index source_pages_document on source_pages (business_id, document_id) where document_id is not null;

-- Questions of callers that mean the same and were not answered well. An answered one that is asked again opens again.
create table gaps (
  business_id text not null references businesses (id) on delete cascade,
  id text not null,
  question text not null,
  terms jsonb not null,
  count integer not null,
  calls integer not null,
  state text not null,
  question_id text,
  first_at timestamptz(3) not null,
  last_at timestamptz(3) not null,
  closed_at timestamptz(3),
  primary key (business_id, id)
);
create index gaps_most on gaps (business_id, state, count desc, id desc);
create index gaps_latest on gaps (business_id, last_at desc);
create index gaps_all on gaps (business_id, count desc, id desc);

create table gap_examples (
  business_id text not null,
  gap_id text not null,
  call_id text not null,
  turn integer not null,
  text text not null,
  verdict text not null,
  at timestamptz(3) not null,
  primary key (business_id, call_id, turn),
  foreign key (business_id, gap_id) references gaps (business_id, id) on delete cascade
);
create index gap_examples_newest on gap_examples (business_id, gap_id, at desc);

-- Bumped in the transaction of every change of documents, passages or questions; no row counts as 0.
create table knowledge_revisions (
  business_id text primary key references businesses (id) on delete cascade,
  revision bigint not null
);
