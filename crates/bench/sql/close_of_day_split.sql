-- The close of day of close_of_day_limit.sql with what a close must say: each loan's running instalment is joined, its interest up
-- to the night's two ends is split into what is owed and what was paid ahead, and three accounts are posted per office and product.
with earned as (
    select l.office_id, l.product_id, l.interest_paid,
           (i.no - 1) * i.interest_due + (2 * i.interest_due * (date '2026-11-21' - (i.due - 30)) + 30) / 60 as before,
           (i.no - 1) * i.interest_due + (2 * i.interest_due * (date '2026-11-22' - (i.due - 30)) + 30) / 60 as after
    from loans l join installment i on i.loan_id = l.id and i.due > date '2026-11-21' and i.due - 30 <= date '2026-11-21'
), calc as (
    select office_id, product_id,
           sum(greatest(after - interest_paid, 0) - greatest(before - interest_paid, 0))::bigint as receivable,
           sum(greatest(interest_paid - after, 0) - greatest(interest_paid - before, 0))::bigint as unearned
    from earned group by 1, 2
)
insert into gl_posting(d, office_id, product_id, gl, amount)
select date '2026-11-21', office_id, product_id, x.gl, x.amount
from calc cross join lateral (values (1101::smallint, receivable), (2395::smallint, -unearned), (4101::smallint, unearned - receivable)) x(gl, amount)
