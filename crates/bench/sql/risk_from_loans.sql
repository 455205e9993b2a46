-- Portfolio at risk as one aggregate over a table of loans that knows each one's oldest unpaid due date.
select office_id, officer_id,
       case when dpd > 180 then 180 when dpd > 90 then 90 when dpd > 60 then 60 when dpd > 30 then 30 when dpd > 0 then 1 else 0 end as bucket,
       count(*), sum(principal - principal_paid)
from (select office_id, officer_id, principal, principal_paid, coalesce(date '2026-11-21' - oldest_unpaid, 0) as dpd from loans) late
group by 1, 2, 3
