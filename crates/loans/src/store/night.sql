-- What a night brings, per branch, product and currency: position at the clock D + 1 less position at the clock D, of the states
-- known at the close of D ($1). A loan that enters non-accrual in this night stands alone; with $2 every loan does. $3 and $4 narrow it
-- to a branch and a product.
-- The share of the running instalment is written out: a function of computed values is not inlined, and a call costs more than the
-- rest of the row. Where the product could leave 64 bits, accrual_share says it in numeric.
with known as (
    select loan_id, branch_id, product_id, currency, terms_id, schedule_version, interest_minor, interest_paid_minor, oldest_unpaid_due_on
    from loan_state where status = 'active' and since_on <= $1 and ($3::uuid is null or (branch_id = $3 and product_id = $4))
    union all
    select loan_id, branch_id, product_id, currency, terms_id, schedule_version, interest_minor, interest_paid_minor, oldest_unpaid_due_on
    from loan_state_past where status = 'active' and since_on <= $1 and until_on > $1
      and ($3::uuid is null or (branch_id = $3 and product_id = $4))
), weighed as (
    select known.*, terms.basis, oldest_unpaid_due_on + terms.non_accrual_days as stops_on,
           running.interest_before_minor as before_it, running.interest_minor as amount,
           day_weight(terms.accrual_weight, running.from_on, running.due_on) as length,
           day_weight(terms.accrual_weight, running.from_on, $1) as elapsed_before,
           day_weight(terms.accrual_weight, running.from_on, $1 + 1) as elapsed_after
    from known join loan_terms terms on terms.id = known.terms_id
    left join loan_instalment running on running.loan_id = known.loan_id and running.schedule_version = known.schedule_version
         and running.from_on <= $1 and running.due_on > $1
), earned as (
    select branch_id, product_id, currency, loan_id, interest_paid_minor, stops_on,
           coalesce(before_it + case
               when length <= 0 or elapsed_before >= length then amount
               when amount < 1000000000000 and length < 1000000 then (2 * amount * greatest(elapsed_before, 0) + length) / (2 * length)
               else accrual_share(amount, elapsed_before, length) end, interest_minor) as earned_before,
           coalesce(before_it + case
               when length <= 0 or elapsed_after >= length then amount
               when amount < 1000000000000 and length < 1000000 then (2 * amount * greatest(elapsed_after, 0) + length) / (2 * length)
               else accrual_share(amount, elapsed_after, length) end, interest_minor) as earned_after
    from weighed where basis = 'accrual'
), split as (
    select branch_id, product_id, currency, loan_id,
           stops_on is null or $1 <= stops_on as income_before,
           stops_on is null or $1 + 1 <= stops_on as income_after,
           greatest(earned_before - interest_paid_minor, 0) as unpaid_before,
           greatest(earned_after - interest_paid_minor, 0) as unpaid_after,
           greatest(interest_paid_minor - earned_before, 0) as unearned_before,
           greatest(interest_paid_minor - earned_after, 0) as unearned_after
    from earned
)
select branch_id, product_id, currency, case when $2::boolean or income_before <> income_after then loan_id end as loan_id,
       sum(case when income_after then unpaid_after else 0 end - case when income_before then unpaid_before else 0 end)::bigint as receivable,
       sum(unearned_after - unearned_before)::bigint as unearned,
       sum(case when income_after then 0 else unpaid_after end - case when income_before then 0 else unpaid_before end)::bigint as memo
from split group by 1, 2, 3, 4 order by 1, 2, 3, 4
