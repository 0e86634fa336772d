-- Made from the migrations by the test beside this file; not run.

create table api_keys (
  id text not null,
  business_id text,
  name text not null,
  prefix text not null,
  hash text not null,
  scopes jsonb not null,
  created_at timestamp(3) with time zone not null,
  FOREIGN KEY (business_id) REFERENCES businesses(id) ON DELETE CASCADE
);
CREATE INDEX api_keys_business ON public.api_keys USING btree (business_id, created_at DESC, id DESC);
CREATE UNIQUE INDEX api_keys_hash ON public.api_keys USING btree (hash);
CREATE INDEX api_keys_newest ON public.api_keys USING btree (created_at DESC, id DESC);
CREATE UNIQUE INDEX api_keys_pkey ON public.api_keys USING btree (id);

create table assistants (
  business_id text not null,
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
  created_at timestamp(3) with time zone not null,
  updated_at timestamp(3) with time zone not null,
  speech_to_speech text,
  fallbacks jsonb not null,
  other_languages jsonb not null,
  voices jsonb not null,
  turn_taking jsonb not null,
  built_in_tools jsonb not null,
  transfer_targets jsonb not null,
  cost_ceiling double precision,
  knowledge jsonb not null,
  grounding text not null,
  FOREIGN KEY (business_id) REFERENCES businesses(id) ON DELETE CASCADE
);
CREATE INDEX assistants_newest ON public.assistants USING btree (business_id, created_at DESC, id DESC);
CREATE UNIQUE INDEX assistants_pkey ON public.assistants USING btree (business_id, id);
CREATE UNIQUE INDEX assistants_slug ON public.assistants USING btree (slug);

create table businesses (
  id text not null,
  name text not null,
  language text not null,
  time_zone text not null,
  created_at timestamp(3) with time zone not null,
  daily_cost_ceiling double precision,
  max_calls integer,
  overflow_number text
);
CREATE INDEX businesses_newest ON public.businesses USING btree (created_at DESC, id DESC);
CREATE UNIQUE INDEX businesses_pkey ON public.businesses USING btree (id);

create table call_events (
  call_id text not null,
  seq integer not null,
  business_id text not null,
  type text not null,
  at double precision not null,
  body jsonb not null
);
CREATE UNIQUE INDEX call_events_pkey ON public.call_events USING btree (call_id, seq);

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
  usage jsonb not null,
  waterfall jsonb
);
CREATE UNIQUE INDEX call_turns_pkey ON public.call_turns USING btree (call_id, turn);

create table callbacks (
  business_id text not null,
  id text not null,
  call_id text not null,
  name text not null,
  number text not null,
  wanted_when text not null,
  reason text not null,
  scheduled_at timestamp(3) with time zone not null,
  done_at timestamp(3) with time zone
);
CREATE INDEX callbacks_call ON public.callbacks USING btree (call_id);
CREATE INDEX callbacks_newest ON public.callbacks USING btree (business_id, scheduled_at DESC, id DESC);
CREATE INDEX callbacks_open ON public.callbacks USING btree (business_id, scheduled_at DESC, id DESC) WHERE (done_at IS NULL);
CREATE UNIQUE INDEX callbacks_pkey ON public.callbacks USING btree (business_id, id);

create table calls (
  id text not null,
  business_id text not null,
  direction text not null,
  gateway text not null,
  from_address text not null,
  to_address text not null,
  assistant_id text,
  assistant_name text,
  provider_call_id text,
  started_at timestamp(3) with time zone not null,
  answered_at timestamp(3) with time zone,
  ended_at timestamp(3) with time zone,
  duration_ms double precision,
  ended_by text,
  ended_reason text,
  turns integer not null,
  has_recording boolean not null,
  summary text,
  voice_to_voice_p50_ms double precision,
  cost_micros double precision,
  usage jsonb not null,
  turn_problems jsonb
);
CREATE INDEX calls_assistant ON public.calls USING btree (business_id, assistant_id, started_at DESC, id DESC);
CREATE INDEX calls_cost ON public.calls USING btree (business_id, started_at) INCLUDE (assistant_id, cost_micros);
CREATE INDEX calls_gateway ON public.calls USING btree (business_id, gateway, started_at DESC, id DESC);
CREATE INDEX calls_live ON public.calls USING btree (business_id, started_at DESC, id DESC) WHERE (ended_at IS NULL);
CREATE INDEX calls_newest ON public.calls USING btree (business_id, started_at DESC, id DESC);
CREATE INDEX calls_parties ON public.calls USING gin (party_grams(from_address, to_address)) WHERE (ended_at IS NOT NULL);
CREATE UNIQUE INDEX calls_pkey ON public.calls USING btree (id);
CREATE INDEX calls_reason ON public.calls USING btree (business_id, ended_reason, started_at DESC, id DESC);
CREATE INDEX calls_slow ON public.calls USING btree (business_id, started_at DESC, id DESC) WHERE ((turn_problems ->> 'slow'::text) IS NOT NULL);
CREATE INDEX calls_unread ON public.calls USING btree (ended_at) WHERE ((ended_at IS NOT NULL) AND (turn_problems IS NULL));

create table document_file_parts (
  business_id text not null,
  document_id text not null,
  version integer not null,
  part integer not null,
  bytes bytea not null,
  FOREIGN KEY (business_id, document_id, version) REFERENCES document_files(business_id, document_id, version) ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE UNIQUE INDEX document_file_parts_pkey ON public.document_file_parts USING btree (business_id, document_id, version, part);

create table document_files (
  business_id text not null,
  document_id text not null,
  version integer not null,
  file_name text not null,
  media_type text not null,
  digest text not null,
  created_at timestamp(3) with time zone not null,
  FOREIGN KEY (business_id, document_id) REFERENCES documents(business_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX document_files_pkey ON public.document_files USING btree (business_id, document_id, version);

create table documents (
  business_id text not null,
  id text not null,
  title text not null,
  text text not null,
  language text not null,
  tags jsonb not null,
  passages integer not null,
  created_at timestamp(3) with time zone not null,
  updated_at timestamp(3) with time zone not null,
  base text not null,
  audience text not null,
  format text not null,
  state text not null,
  fault text,
  detail text,
  progress double precision not null,
  version integer not null,
  live_version integer not null,
  pages integer,
  bytes integer not null,
  file_name text,
  source_id text,
  url text,
  FOREIGN KEY (business_id) REFERENCES businesses(id) ON DELETE CASCADE
);
CREATE INDEX documents_newest ON public.documents USING btree (business_id, created_at DESC, id DESC);
CREATE UNIQUE INDEX documents_pkey ON public.documents USING btree (business_id, id);
CREATE INDEX documents_source ON public.documents USING btree (business_id, source_id, url) WHERE (source_id IS NOT NULL);
CREATE INDEX documents_unfinished ON public.documents USING btree (created_at) WHERE (state <> ALL (ARRAY['ready'::text, 'failed'::text]));

create table embedding_usage (
  business_id text not null,
  day date not null,
  embedder text not null,
  texts bigint not null,
  tokens double precision not null,
  cost_micros double precision not null,
  FOREIGN KEY (business_id) REFERENCES businesses(id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX embedding_usage_pkey ON public.embedding_usage USING btree (business_id, day, embedder);

create table embeddings (
  business_id text not null,
  embedder text not null,
  digest text not null,
  vector bytea not null,
  created_at timestamp(3) with time zone not null,
  FOREIGN KEY (business_id) REFERENCES businesses(id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX embeddings_pkey ON public.embeddings USING btree (business_id, embedder, digest);

create table gap_examples (
  business_id text not null,
  gap_id text not null,
  call_id text not null,
  turn integer not null,
  text text not null,
  verdict text not null,
  at timestamp(3) with time zone not null,
  FOREIGN KEY (business_id, gap_id) REFERENCES gaps(business_id, id) ON DELETE CASCADE
);
CREATE INDEX gap_examples_newest ON public.gap_examples USING btree (business_id, gap_id, at DESC);
CREATE UNIQUE INDEX gap_examples_pkey ON public.gap_examples USING btree (business_id, call_id, turn);

create table gaps (
  business_id text not null,
  id text not null,
  question text not null,
  terms jsonb not null,
  count integer not null,
  calls integer not null,
  state text not null,
  question_id text,
  first_at timestamp(3) with time zone not null,
  last_at timestamp(3) with time zone not null,
  closed_at timestamp(3) with time zone,
  FOREIGN KEY (business_id) REFERENCES businesses(id) ON DELETE CASCADE
);
CREATE INDEX gaps_all ON public.gaps USING btree (business_id, count DESC, id DESC);
CREATE INDEX gaps_latest ON public.gaps USING btree (business_id, last_at DESC);
CREATE INDEX gaps_most ON public.gaps USING btree (business_id, state, count DESC, id DESC);
CREATE UNIQUE INDEX gaps_pkey ON public.gaps USING btree (business_id, id);
CREATE INDEX gaps_question ON public.gaps USING btree (business_id, question_id) WHERE (question_id IS NOT NULL);

create table journal_cursor (
  journal text not null,
  segment integer not null,
  byte_offset bigint not null,
  updated_at timestamp(3) with time zone not null
);
CREATE UNIQUE INDEX journal_cursor_pkey ON public.journal_cursor USING btree (journal);

create table knowledge_revisions (
  business_id text not null,
  revision bigint not null,
  FOREIGN KEY (business_id) REFERENCES businesses(id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX knowledge_revisions_pkey ON public.knowledge_revisions USING btree (business_id);

create table messages (
  business_id text not null,
  id text not null,
  call_id text not null,
  name text not null,
  number text not null,
  text text not null,
  urgent boolean not null,
  taken_at timestamp(3) with time zone not null,
  done_at timestamp(3) with time zone
);
CREATE INDEX messages_call ON public.messages USING btree (call_id);
CREATE INDEX messages_newest ON public.messages USING btree (business_id, taken_at DESC, id DESC);
CREATE INDEX messages_open ON public.messages USING btree (business_id, taken_at DESC, id DESC) WHERE (done_at IS NULL);
CREATE UNIQUE INDEX messages_pkey ON public.messages USING btree (business_id, id);

create table migrations (
  name text not null,
  checksum text not null,
  applied_at timestamp(3) with time zone not null
);
CREATE UNIQUE INDEX migrations_pkey ON public.migrations USING btree (name);

create table numbers (
  business_id text not null,
  id text not null,
  address text not null,
  assistant_id text not null,
  label text not null,
  created_at timestamp(3) with time zone not null,
  FOREIGN KEY (business_id) REFERENCES businesses(id) ON DELETE CASCADE,
  FOREIGN KEY (business_id, assistant_id) REFERENCES assistants(business_id, id)
);
CREATE UNIQUE INDEX numbers_address ON public.numbers USING btree (business_id, address);
CREATE INDEX numbers_assistant ON public.numbers USING btree (business_id, assistant_id);
CREATE INDEX numbers_by_address ON public.numbers USING btree (address);
CREATE UNIQUE INDEX numbers_e164 ON public.numbers USING btree (address) WHERE (address ~~ '+%'::text);
CREATE INDEX numbers_newest ON public.numbers USING btree (business_id, created_at DESC, id DESC);
CREATE UNIQUE INDEX numbers_pkey ON public.numbers USING btree (business_id, id);

create table passages (
  business_id text not null,
  document_id text not null,
  version integer not null,
  position integer not null,
  title text not null,
  text text not null,
  digest text not null,
  FOREIGN KEY (business_id, document_id) REFERENCES documents(business_id, id) ON DELETE CASCADE
);
CREATE INDEX passages_digest ON public.passages USING btree (business_id, digest);
CREATE UNIQUE INDEX passages_pkey ON public.passages USING btree (business_id, document_id, version, "position");

create table questions (
  business_id text not null,
  id text not null,
  phrasings jsonb not null,
  answer text not null,
  created_at timestamp(3) with time zone not null,
  updated_at timestamp(3) with time zone not null,
  base text not null,
  language text not null,
  tags jsonb not null,
  audience text not null,
  FOREIGN KEY (business_id) REFERENCES businesses(id) ON DELETE CASCADE
);
CREATE INDEX questions_newest ON public.questions USING btree (business_id, created_at DESC, id DESC);
CREATE UNIQUE INDEX questions_pkey ON public.questions USING btree (business_id, id);

create table source_pages (
  business_id text not null,
  source_id text not null,
  url text not null,
  document_id text,
  etag text,
  last_modified text,
  digest text not null,
  seen_at timestamp(3) with time zone not null,
  FOREIGN KEY (business_id, source_id) REFERENCES sources(business_id, id) ON DELETE CASCADE
);
CREATE INDEX source_pages_document ON public.source_pages USING btree (business_id, document_id) WHERE (document_id IS NOT NULL);
CREATE UNIQUE INDEX source_pages_pkey ON public.source_pages USING btree (business_id, source_id, url);

create table sources (
  business_id text not null,
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
  crawled_at timestamp(3) with time zone,
  next_at timestamp(3) with time zone,
  created_at timestamp(3) with time zone not null,
  updated_at timestamp(3) with time zone not null,
  FOREIGN KEY (business_id) REFERENCES businesses(id) ON DELETE CASCADE
);
CREATE INDEX sources_due ON public.sources USING btree (next_at) WHERE (next_at IS NOT NULL);
CREATE INDEX sources_newest ON public.sources USING btree (business_id, created_at DESC, id DESC);
CREATE UNIQUE INDEX sources_pkey ON public.sources USING btree (business_id, id);

create table tools (
  business_id text not null,
  id text not null,
  name text not null,
  definition jsonb not null,
  secret_names jsonb not null,
  secrets text,
  enabled boolean not null,
  created_at timestamp(3) with time zone not null,
  updated_at timestamp(3) with time zone not null,
  FOREIGN KEY (business_id) REFERENCES businesses(id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX tools_name ON public.tools USING btree (business_id, name);
CREATE INDEX tools_newest ON public.tools USING btree (business_id, created_at DESC, id DESC);
CREATE UNIQUE INDEX tools_pkey ON public.tools USING btree (business_id, id);

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
  confidence double precision
);
CREATE UNIQUE INDEX transcript_lines_pkey ON public.transcript_lines USING btree (call_id, seq);

create table trunks (
  business_id text not null,
  id text not null,
  name text not null,
  sources jsonb not null,
  username text,
  password text,
  registrar text,
  register_user text,
  register_password text,
  outbound_proxy text,
  created_at timestamp(3) with time zone not null,
  FOREIGN KEY (business_id) REFERENCES businesses(id) ON DELETE CASCADE
);
CREATE INDEX trunks_newest ON public.trunks USING btree (business_id, created_at DESC, id DESC);
CREATE UNIQUE INDEX trunks_pkey ON public.trunks USING btree (business_id, id);
CREATE UNIQUE INDEX trunks_username ON public.trunks USING btree (username) WHERE (username IS NOT NULL);
