-- What lists and look-ups go by that had to be searched for row by row; the test of plans tells.

-- Numbers that are no telephone numbers (SIP user names) are looked up before their business is known.
create index numbers_by_address on numbers (address);

create index calls_gateway on calls (business_id, gateway, started_at desc, id desc);

-- Every three characters in a row of a call's two numbers, in small letters.
create function party_grams(text, text) returns text[] language sql immutable strict parallel safe
  return (
    select coalesce(array_agg(distinct substr(party, place, 3)), '{}')
    from (values (lower($1)), (lower($2))) as parties (party), generate_series(1, length(party) - 2) as place
  );
-- Only of calls that have ended: the row of a live one changes several times a minute, and there are few of those.
create index calls_parties on calls using gin (party_grams(from_address, to_address)) where ended_at is not null;
-- A partial index brings none: with them the planner knows that a prefix which all numbers have is no use to it.
create statistics calls_parties_often on (party_grams(from_address, to_address)) from calls;

-- A crawl asks by URL, page after page.
drop index documents_source;
create index documents_source on documents (business_id, source_id, url) where source_id is not null;

-- A question that is deleted opens its gap again.
create index gaps_question on gaps (business_id, question_id) where question_id is not null;
