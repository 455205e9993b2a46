-- Balances and balances at risk as known at the close of $1, per gender and area of the client.
-- $2 branch with all below it, $3 officer or null, $4 currency, $5 loans to leave out.
with within as (
    select id from branch where $2 = any(ancestors)
), known as (
    select loan_id, client_id, branch_id, officer_id, currency, principal_minor - principal_paid_minor as outstanding,
           oldest_unpaid_due_on, renegotiated_since
    from loan_state where status = 'active' and since_on <= $1
    union all
    select loan_id, client_id, branch_id, officer_id, currency, principal_minor - principal_paid_minor, oldest_unpaid_due_on,
           renegotiated_since
    from loan_state_past where status = 'active' and since_on <= $1 and until_on > $1
), counted as (
    select client_id, outstanding, $1::date - oldest_unpaid_due_on as days,
           renegotiated_since is not null as renegotiated
    from known
    where branch_id in (select id from within) and ($3::uuid is null or officer_id = $3) and currency = $4
      and outstanding > 0 and not loan_id = any($5::uuid[])
)
select $2::uuid as branch_id, null::uuid as officer_id, $2::uuid as product_id, client.gender, client.area,
       count(*) as loans, sum(outstanding)::bigint as outstanding,
       array[coalesce(sum(outstanding) filter (where days > 0 or renegotiated), 0),
             coalesce(sum(outstanding) filter (where days > 30 or renegotiated), 0),
             coalesce(sum(outstanding) filter (where days > 60 or renegotiated), 0),
             coalesce(sum(outstanding) filter (where days > 90 or renegotiated), 0),
             coalesce(sum(outstanding) filter (where days > 180 or renegotiated), 0)]::bigint[] as with_renegotiated,
       array[coalesce(sum(outstanding) filter (where days > 0), 0),
             coalesce(sum(outstanding) filter (where days > 30), 0),
             coalesce(sum(outstanding) filter (where days > 60), 0),
             coalesce(sum(outstanding) filter (where days > 90), 0),
             coalesce(sum(outstanding) filter (where days > 180), 0)]::bigint[] as without_renegotiated
from counted join client on client.id = counted.client_id
group by client.gender, client.area
