//! The tables of `migrations/*_ledger.sql`.

diesel::table! {
    channel_account (channel) {
        channel -> Text,
        branch_id -> Nullable<Uuid>,
        account_id -> Uuid,
    }
}

diesel::table! {
    chart (one) {
        one -> Bool,
        version -> Uuid,
    }
}

diesel::table! {
    gl_account (id) {
        id -> Uuid,
        code -> Text,
        name -> Text,
        class -> Text,
        side -> Text,
        header -> Bool,
        control -> Bool,
        created_at -> Timestamptz,
        version -> BigInt,
    }
}

diesel::table! {
    journal_entry (id) {
        id -> Uuid,
        booked_on -> Date,
        value_on -> Date,
        branch_id -> Uuid,
        event -> Text,
        subject_id -> Nullable<Uuid>,
        description -> Nullable<Text>,
        line_count -> Integer,
        user_id -> Uuid,
        recorded_at -> Timestamptz,
        command_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    journal_line (entry_id, line_no) {
        entry_id -> Uuid,
        line_no -> SmallInt,
        account_id -> Uuid,
        branch_id -> Uuid,
        product_id -> Nullable<Uuid>,
        currency -> Text,
        amount_minor -> BigInt,
        subject_id -> Nullable<Uuid>,
        booked_on -> Date,
        recorded_at -> Timestamptz,
    }
}

diesel::table! {
    journal_reversal (entry_id) {
        entry_id -> Uuid,
        reversal_id -> Uuid,
    }
}

diesel::table! {
    ledger_balance (account_id) {
        account_id -> Uuid,
        branch_id -> Uuid,
        product_id -> Nullable<Uuid>,
        currency -> Text,
        month_end_on -> Date,
        balance_minor -> Numeric,
    }
}

diesel::table! {
    ledger_turnover (account_id) {
        account_id -> Uuid,
        branch_id -> Uuid,
        product_id -> Nullable<Uuid>,
        currency -> Text,
        booked_on -> Date,
        debit_minor -> Numeric,
        credit_minor -> Numeric,
    }
}

diesel::table! {
    slot_account (product_id, slot) {
        product_id -> Uuid,
        slot -> Text,
        account_id -> Uuid,
    }
}
