-- What making vectors took, by day where the business is. Shares of a request that several businesses had have fractions.
create table embedding_usage (
  business_id text not null references businesses (id) on delete cascade,
  day date not null,
  embedder text not null,
  texts bigint not null,
  tokens double precision not null,
  cost_micros double precision not null,
  primary key (business_id, day, embedder)
);
