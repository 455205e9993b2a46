#!/usr/bin/env bash
# The README's quickstart with real HTTP, against a running `ayni demo`: one loan from the first token to the trial balance.
# Needs bash and curl, nothing else. Ends with an error at the first answer that is not the expected one.
#
#   scripts/quickstart.sh                                  the server on http://127.0.0.1:8080
#   BASE=http://127.0.0.1:9000 scripts/quickstart.sh       another one
set -euo pipefail

BASE=${BASE:-http://127.0.0.1:8080}
PASSWORD=${PASSWORD:-ayni-demo-2026}
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

fail() {
    echo "quickstart: $*" >&2
    exit 1
}

# A new idempotency key.
new_key() { cat /proc/sys/kernel/random/uuid 2>/dev/null || uuidgen; }

# The first field of this name in a JSON text.
field() { grep -o "\"$1\":\"[^\"]*\"" | sed -n '1s/.*:"\(.*\)"$/\1/p'; }

# call STATUS TOKEN METHOD PATH [BODY [KEY]]: sends one request and sets ANSWER. STATUS may be several: "200|202".
call() {
    local expected=$1 token=$2 method=$3 path=$4 body=${5-} key=${6-}
    local arguments=(--silent --show-error --max-time 120 --request "$method"
        --dump-header "$WORK/head" --output "$WORK/answer" --write-out '%{http_code}')
    if [ -n "$token" ]; then arguments+=(--header "Authorization: Bearer $token"); fi
    if [ -n "$key" ]; then arguments+=(--header "Idempotency-Key: $key"); fi
    if [ -n "$body" ]; then arguments+=(--header 'Content-Type: application/json' --data "$body"); fi
    : >"$WORK/answer"
    STATUS=$(curl "${arguments[@]}" "$BASE$path") ||
        fail "no answer from $BASE$path. Is the server running? Start it with: cargo run --release -- demo"
    ANSWER=$(<"$WORK/answer")
    case "|$expected|" in
    *"|$STATUS|"*) ;;
    *) fail "$method $path answered $STATUS, not $expected: $ANSWER" ;;
    esac
}

ask() { call 200 "$1" GET "$2"; }                       # TOKEN PATH
tell() { call "$1" "$2" POST "$3" "$4" "$(new_key)"; }  # STATUS TOKEN PATH BODY

# expect NAME VALUE: what a field of the last answer must be.
expect() {
    local found
    found=$(field "$1" <<<"$ANSWER") || true
    [ "$found" = "$2" ] || fail "$1 is \"$found\", not \"$2\", in: $ANSWER"
}

step() { printf '\n%s\n' "$*"; }
show() {
    local text=$ANSWER
    if [ ${#text} -gt 420 ]; then text="${text:0:420} …"; fi
    printf '    %s %s\n' "$STATUS" "$text"
}

token() { # USERNAME: sets TOKEN
    call 200 '' POST /v1/auth/token "{\"username\": \"$1\", \"password\": \"$PASSWORD\"}"
    TOKEN=$(field access_token <<<"$ANSWER")
}

step "1. Four people sign in"
token officer && OFFICER=$TOKEN
token manager && MANAGER=$TOKEN
token accountant && ACCOUNTANT=$TOKEN
token admin && ADMIN=$TOKEN
ask "$OFFICER" /v1/me && show
BRANCH=$(field branch_id <<<"$ANSWER")
ask "$OFFICER" /v1/business-date && show
DAY=$(field business_date <<<"$ANSWER")
ask "$ADMIN" /v1/settings && show
CURRENCY=$(field base_currency <<<"$ANSWER")

step "2. The administrator offers a product"
tell 201 "$ADMIN" /v1/loan-products '{"code": "QUICK-'$RANDOM$RANDOM'", "name": "Quick loan", "currency": "'"$CURRENCY"'",
    "terms": {"frequency": {"unit": "month"}, "interest": {"method": "declining", "rate": {"percent": "24", "per": "year"}}},
    "limits": {"principal": {"min": "100.00", "max": "50000.00"}, "instalments": {"min": 1, "max": 36}},
    "charges": [{"kind": "fee", "name": "Processing fee", "when": "disbursement", "percent": "2", "of": "principal", "treatment": "deducted"}]}'
show
PRODUCT=$(field id <<<"$ANSWER")

step "3. The officer registers a client and applies for a loan"
tell 201 "$OFFICER" /v1/clients '{"branch_id": "'"$BRANCH"'", "kind": "person", "name": {"given": "Achieng", "family": "Odhiambo"},
    "birth": {"year": 1987}, "gender": "female", "area": "rural"}'
show
CLIENT=$(field id <<<"$ANSWER")
tell 201 "$OFFICER" /v1/loans '{"client_id": "'"$CLIENT"'", "product_id": "'"$PRODUCT"'", "principal": "12000.00", "instalments": 12,
    "expected_disbursed_on": "'"$DAY"'"}'
expect status applied
show
LOAN=$(field id <<<"$ANSWER")

step "4. The officer may not approve it; the manager does"
tell 403 "$OFFICER" "/v1/loans/$LOAN/approve" '{}'
show
tell 200 "$MANAGER" "/v1/loans/$LOAN/approve" '{}'
expect status approved
show

step "5. It is disbursed: 12,000.00 less the fee of 240.00"
tell 200 "$OFFICER" "/v1/loans/$LOAN/disburse" '{"channel": "bank"}'
expect status active
expect amount 11760.00
show

step "6. The client pays the first instalment; what a callback sends twice counts once"
KEY=$(new_key)
REPAYMENT='{"amount": "1134.72", "channel": "cash"}'
call 201 "$OFFICER" POST "/v1/loans/$LOAN/repayments" "$REPAYMENT" "$KEY"
expect principal 894.72
expect interest 240.00
expect balance 11105.28
show
FIRST=$ANSWER
call 201 "$OFFICER" POST "/v1/loans/$LOAN/repayments" "$REPAYMENT" "$KEY"
[ "$ANSWER" = "$FIRST" ] || fail "the second answer is not the first: $ANSWER"
grep -qi '^idempotent-replayed: true' "$WORK/head" || fail "the second answer is not marked as a replay"
echo "    the same again, marked Idempotent-Replayed: true"

step "7. The accountant closes the day $DAY"
call '200|202|409' "$ACCOUNTANT" POST /v1/business-date/close '{"through": "'"$DAY"'"}' "$(new_key)"
show
if [ "$STATUS" = 409 ]; then
    expect code day.not_over_yet
    echo "    The business day is ahead of the calendar, so it stays open."
else
    for _ in $(seq 1 120); do
        ask "$ACCOUNTANT" "/v1/day-closes/$DAY"
        [ "$(field status <<<"$ANSWER")" = booked ] && break
        sleep 1
    done
    expect status booked
    show
fi

step "8. The portfolio at risk, as of $DAY"
ask "$ACCOUNTANT" "/v1/reports/portfolio-at-risk?as_of=$DAY&by=branch"
expect as_of "$DAY"
show

step "9. The trial balance, as of $DAY"
ask "$ACCOUNTANT" "/v1/reports/trial-balance?as_of=$DAY"
expect as_of "$DAY"
DEBIT=$(field total_debit <<<"$ANSWER")
CREDIT=$(field total_credit <<<"$ANSWER")
[ -n "$DEBIT" ] && [ "$DEBIT" = "$CREDIT" ] || fail "the trial balance does not balance: $DEBIT and $CREDIT"
show
echo "    debits $DEBIT = credits $CREDIT $CURRENCY"

printf '\nDone: loan %s on %s\n' "$LOAN" "$BASE"
