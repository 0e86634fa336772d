-- How an assistant talks: who takes over when a provider fails, its turns, what it may do, what a call may cost.
alter table assistants
  add column speech_to_speech text,
  add column fallbacks jsonb not null default '{"transcribers":[],"languageModels":[],"synthesizers":[]}',
  add column other_languages jsonb not null default '[]',
  add column voices jsonb not null default '{}',
  add column turn_taking jsonb not null
    default '{"speculation":"speech","adaptive":true,"fillers":true,"hedging":false,"greetingProtected":false,"rules":{}}',
  add column built_in_tools jsonb not null default '["end_call","take_message","schedule_callback","collect"]',
  add column transfer_targets jsonb not null default '[]',
  add column cost_ceiling double precision;

-- US dollars a day.
alter table businesses add column daily_cost_ceiling double precision;

-- `usage` is the sum of its turns' lines; costs are millionths of a US dollar.
alter table calls
  add column cost_micros double precision,
  add column usage jsonb not null default '[]';

-- `waterfall` is milliseconds by stage, of a turn that was spoken and answered; the rest has none.
alter table call_turns
  add column usage jsonb not null default '[]',
  add column waterfall jsonb;

-- What reports over a time read of each call, without the table: the index alone.
create index calls_cost on calls (business_id, started_at) include (assistant_id, cost_micros);
