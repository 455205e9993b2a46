-- Functions that statements use, made anew by every migrate. `day_weight` is `kernel::day_count` in SQL, with the same integers:
-- a test compares the two.

create or replace function is_leap(year integer) returns boolean language sql immutable parallel safe
    return year % 4 = 0 and (year % 100 <> 0 or year % 400 = 0);

create or replace function is_last_of_february(day date) returns boolean language sql immutable parallel safe
    return extract(month from day) = 2 and extract(month from day + 1) = 3;

create or replace function months_of_thirty(from_on date, to_on date, from_day integer, to_day integer) returns bigint
    language sql immutable parallel safe
    return ((extract(year from to_on) - extract(year from from_on)) * 360
        + (extract(month from to_on) - extract(month from from_on)) * 30)::bigint + to_day - from_day;

-- 30/360 US.
create or replace function days_thirty_us(from_on date, to_on date) returns bigint language sql immutable parallel safe
    return months_of_thirty(from_on, to_on,
        case when is_last_of_february(from_on) then 30 else least(extract(day from from_on)::integer, 30) end,
        case
            when is_last_of_february(from_on) and is_last_of_february(to_on) then 30
            when extract(day from to_on) = 31 and (extract(day from from_on) >= 30 or is_last_of_february(from_on)) then 30
            else extract(day from to_on)::integer
        end);

create or replace function days_thirty_european(from_on date, to_on date) returns bigint language sql immutable parallel safe
    return months_of_thirty(from_on, to_on, least(extract(day from from_on)::integer, 30), least(extract(day from to_on)::integer, 30));

-- The days before a date that lie in leap years.
create or replace function leap_year_days_before(day date) returns bigint language sql immutable parallel safe
    return (select 366 * ((y - 1) / 4 - (y - 1) / 100 + (y - 1) / 400)
                   + case when is_leap(y) then extract(doy from day)::integer - 1 else 0 end
            from (select extract(year from day)::integer as y) as of_year);

create or replace function days_leap_weighted(from_on date, to_on date) returns bigint language sql immutable parallel safe
    return (select (to_on - from_on - leap) * 366 + leap * 365
            from (select leap_year_days_before(to_on) - leap_year_days_before(from_on) as leap) as of_leap);

-- How much the days from one date to a later one weigh. The commonest basis is asked for first: comparing words is what it costs.
create or replace function day_weight(basis text, from_on date, to_on date) returns bigint language sql immutable parallel safe
    return case basis
        when 'actual_days' then (to_on - from_on)::bigint
        when '30/360' then days_thirty_us(from_on, to_on)
        when '30e/360' then days_thirty_european(from_on, to_on)
        when 'actual/actual' then days_leap_weighted(from_on, to_on)
        else (to_on - from_on)::bigint
    end;

-- A running instalment's share of its interest: amount × elapsed ÷ length, half-up, in integers (`loans::accrual::share`).
create or replace function accrual_share(amount bigint, elapsed bigint, length bigint) returns bigint language sql immutable parallel safe
    return case
        when length <= 0 or elapsed >= length then amount
        else div(2 * amount::numeric * greatest(elapsed, 0) + length, 2 * length::numeric)::bigint
    end;
