-- Guards of the books, made anew by every migrate.

-- Lines come whole and once: for each entry of a statement the sum is zero per currency and branch, and the lines are
-- numbered 1..line_count on the day of their entry. So a balanced pair that is appended to an old entry is refused as well.
create or replace function journal_line_whole() returns trigger language plpgsql as $$
declare offender uuid;
begin
    select entry_id into offender
    from (select entry_id, currency, branch_id from new_line group by entry_id, currency, branch_id having sum(amount_minor) <> 0) unbalanced
    limit 1;
    if offender is not null then
        raise exception 'entry % does not balance', offender using errcode = 'AY001';
    end if;
    select line.entry_id into offender
    from (select entry_id, count(*) as lines, max(line_no) as last_no, min(booked_on) as first_on, max(booked_on) as last_on
          from new_line group by entry_id) line
    left join journal_entry entry on entry.id = line.entry_id
    where entry.id is null or entry.line_count <> line.lines or line.last_no <> line.lines
        or entry.booked_on <> line.first_on or entry.booked_on <> line.last_on
    limit 1;
    if offender is not null then
        raise exception 'entry % is not written whole', offender using errcode = 'AY002';
    end if;
    return null;
end $$;

create or replace trigger journal_line_whole after insert on journal_line
    referencing new table as new_line for each statement execute function journal_line_whole();
alter table journal_line enable always trigger journal_line_whole;

create or replace function history_is_fixed() returns trigger language plpgsql as $$
begin
    raise exception '% of % is not allowed: history is fixed, correct it with a new row', tg_op, tg_table_name using errcode = 'AY003';
end $$;

-- The list is read to its end first: it is one of the tables that it names.
do $$
declare history text;
begin
    foreach history in array array(select name from history_table order by name) loop
        execute format('create or replace trigger history_is_fixed before update or delete on %I for each row execute function history_is_fixed()', history);
        execute format('create or replace trigger history_is_not_emptied before truncate on %I for each statement execute function history_is_fixed()', history);
        execute format('alter table %I enable always trigger history_is_fixed', history);
        execute format('alter table %I enable always trigger history_is_not_emptied', history);
    end loop;
end $$;
