-- How many calls of a business may live at once, and who takes those beyond.
alter table businesses add column max_calls integer;
alter table businesses add column overflow_number text;
