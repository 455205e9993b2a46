//! The tables of `migrations/*_clients_loans.sql`.

diesel::table! {
    client (id) {
        id -> Uuid,
        number -> Text,
        branch_id -> Uuid,
        officer_id -> Nullable<Uuid>,
        kind -> Text,
        status -> Text,
        given_name -> Nullable<Text>,
        family_name -> Nullable<Text>,
        second_family_name -> Nullable<Text>,
        full_name -> Text,
        born_on -> Nullable<Date>,
        born_in -> Nullable<SmallInt>,
        gender -> Nullable<Text>,
        area -> Nullable<Text>,
        phone -> Nullable<Text>,
        registered_on -> Date,
        registered_by -> Uuid,
        created_at -> Timestamptz,
        version -> BigInt,
    }
}

diesel::table! {
    loan (id) {
        id -> Uuid,
        number -> Text,
        client_id -> Uuid,
        product_id -> Uuid,
        terms_id -> Uuid,
        currency -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    loan_allocation (event_id) {
        event_id -> Uuid,
        loan_id -> Uuid,
        instalment -> Nullable<SmallInt>,
        part -> Text,
        amount_minor -> BigInt,
        booked_on -> Date,
    }
}

diesel::table! {
    loan_application (loan_id) {
        loan_id -> Uuid,
        principal_minor -> BigInt,
        expected_disbursed_on -> Date,
        charges -> Jsonb,
        withholds -> Jsonb,
        applied_on -> Date,
        applied_by -> Uuid,
        approved_on -> Nullable<Date>,
        approved_by -> Nullable<Uuid>,
        approved_minor -> Nullable<BigInt>,
        valid_until -> Nullable<Date>,
        conditions -> Nullable<Text>,
        closed_reason -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    loan_event (loan_id, id) {
        id -> Uuid,
        loan_id -> Uuid,
        number -> Integer,
        kind -> Text,
        value_on -> Date,
        booked_on -> Date,
        amount_minor -> Nullable<BigInt>,
        deducted_fees_minor -> Nullable<BigInt>,
        withheld_minor -> Nullable<BigInt>,
        flag -> Nullable<Bool>,
        reverses -> Nullable<Uuid>,
        channel -> Nullable<Text>,
        receipt -> Nullable<Text>,
        reason -> Nullable<Text>,
        entry_id -> Nullable<Uuid>,
        command_id -> Uuid,
        user_id -> Uuid,
        recorded_at -> Timestamptz,
    }
}

diesel::table! {
    loan_instalment (loan_id, schedule_version, number) {
        loan_id -> Uuid,
        schedule_version -> SmallInt,
        number -> SmallInt,
        from_on -> Date,
        due_on -> Date,
        principal_minor -> BigInt,
        interest_minor -> BigInt,
        balance_minor -> BigInt,
        interest_before_minor -> BigInt,
        settlement_minor -> BigInt,
        settlement_before_minor -> BigInt,
        principal_paid_minor -> BigInt,
        interest_paid_minor -> BigInt,
        settled_on -> Nullable<Date>,
    }
}

diesel::table! {
    loan_product (id) {
        id -> Uuid,
        code -> Text,
        name -> Text,
        currency -> Text,
        terms -> Jsonb,
        principal_least_minor -> BigInt,
        principal_most_minor -> BigInt,
        instalments_fewest -> SmallInt,
        instalments_most -> SmallInt,
        charges -> Jsonb,
        withholds -> Jsonb,
        basis -> Text,
        created_at -> Timestamptz,
        version -> BigInt,
    }
}

diesel::table! {
    loan_state (loan_id) {
        loan_id -> Uuid,
        client_id -> Uuid,
        product_id -> Uuid,
        terms_id -> Uuid,
        branch_id -> Uuid,
        created_at -> Timestamptz,
        committed_minor -> BigInt,
        deducted_fees_minor -> BigInt,
        withheld_minor -> BigInt,
        principal_minor -> BigInt,
        principal_paid_minor -> BigInt,
        interest_minor -> BigInt,
        interest_paid_minor -> BigInt,
        overpaid_minor -> BigInt,
        since_on -> Date,
        version -> Integer,
        instalments -> SmallInt,
        schedule_version -> SmallInt,
        currency -> Text,
        status -> Text,
        officer_id -> Nullable<Uuid>,
        first_due_on -> Nullable<Date>,
        disbursed_on -> Nullable<Date>,
        matures_on -> Nullable<Date>,
        settled_on -> Nullable<Date>,
        renegotiated_since -> Nullable<Date>,
        oldest_unpaid_due_on -> Nullable<Date>,
        last_value_on -> Nullable<Date>,
        last_rank -> Nullable<SmallInt>,
        last_event_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    loan_state_past (loan_id, since_on) {
        until_on -> Date,
        loan_id -> Uuid,
        client_id -> Uuid,
        product_id -> Uuid,
        terms_id -> Uuid,
        branch_id -> Uuid,
        created_at -> Timestamptz,
        committed_minor -> BigInt,
        deducted_fees_minor -> BigInt,
        withheld_minor -> BigInt,
        principal_minor -> BigInt,
        principal_paid_minor -> BigInt,
        interest_minor -> BigInt,
        interest_paid_minor -> BigInt,
        overpaid_minor -> BigInt,
        since_on -> Date,
        version -> Integer,
        instalments -> SmallInt,
        schedule_version -> SmallInt,
        currency -> Text,
        status -> Text,
        officer_id -> Nullable<Uuid>,
        first_due_on -> Nullable<Date>,
        disbursed_on -> Nullable<Date>,
        matures_on -> Nullable<Date>,
        settled_on -> Nullable<Date>,
        renegotiated_since -> Nullable<Date>,
        oldest_unpaid_due_on -> Nullable<Date>,
        last_value_on -> Nullable<Date>,
        last_rank -> Nullable<SmallInt>,
        last_event_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    loan_terms (id) {
        id -> Uuid,
        terms -> Jsonb,
        accrual_weight -> Text,
        basis -> Text,
        non_accrual_days -> Integer,
    }
}
