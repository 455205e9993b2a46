//! The tables of `migrations/*_house.sql`.

diesel::table! {
    api_client (id) {
        id -> Uuid,
        client_id -> Text,
        secret_hash -> Text,
        user_id -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    app_user (id) {
        id -> Uuid,
        username -> Text,
        name -> Text,
        password_hash -> Nullable<Text>,
        branch_id -> Uuid,
        staff_id -> Nullable<Uuid>,
        own_portfolio -> Bool,
        active -> Bool,
        integration -> Nullable<Text>,
        sessions_from -> Timestamptz,
        created_at -> Timestamptz,
        version -> BigInt,
    }
}

diesel::table! {
    approval (id) {
        id -> Uuid,
        operation -> Text,
        path -> Text,
        body -> Jsonb,
        summary -> Text,
        branch_id -> Uuid,
        maker_id -> Uuid,
        status -> Text,
        asked_at -> Timestamptz,
        expires_at -> Timestamptz,
        decided_by -> Nullable<Uuid>,
        decided_at -> Nullable<Timestamptz>,
        result_id -> Nullable<Uuid>,
        version -> BigInt,
    }
}

diesel::table! {
    audit (id) {
        id -> Uuid,
        at -> Timestamptz,
        user_id -> Uuid,
        operation -> Text,
        subject_id -> Nullable<Uuid>,
        status -> SmallInt,
        request_id -> Uuid,
        key_id -> Nullable<Uuid>,
        business_date -> Date,
    }
}

diesel::table! {
    branch (id) {
        id -> Uuid,
        code -> Text,
        name -> Text,
        parent_id -> Nullable<Uuid>,
        ancestors -> Array<Uuid>,
        created_at -> Timestamptz,
        version -> BigInt,
    }
}

diesel::table! {
    business_day (one) {
        one -> Bool,
        open_on -> Date,
    }
}

diesel::table! {
    day_close (closed_on) {
        closed_on -> Date,
        rolled_at -> Timestamptz,
        rolled_by -> Uuid,
        booked_at -> Nullable<Timestamptz>,
        entry_count -> Nullable<Integer>,
    }
}

diesel::table! {
    day_close_order (one) {
        one -> Bool,
        through -> Date,
        ordered_by -> Uuid,
    }
}

diesel::table! {
    history_table (name) {
        name -> Text,
    }
}

diesel::table! {
    holiday (id) {
        id -> Uuid,
        held_on -> Date,
        name -> Text,
        branch_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    idempotency_body (id) {
        id -> Uuid,
        bodies -> Array<Text>,
        stored_at -> Timestamptz,
    }
}

diesel::table! {
    idempotency_key (id) {
        id -> Uuid,
        fingerprint -> Binary,
        operation -> Text,
        status -> SmallInt,
        user_id -> Uuid,
        subject_id -> Nullable<Uuid>,
        approval_id -> Nullable<Uuid>,
        stored_at -> Timestamptz,
        body_id -> Uuid,
        body_no -> SmallInt,
    }
}

diesel::table! {
    outbox (sequence) {
        sequence -> BigInt,
        at -> Timestamptz,
        events -> Jsonb,
    }
}

diesel::table! {
    period (starts_on) {
        starts_on -> Date,
        status -> Text,
        changed_at -> Timestamptz,
        changed_by -> Uuid,
    }
}

diesel::table! {
    period_close_order (starts_on) {
        starts_on -> Date,
        ordered_at -> Timestamptz,
        ordered_by -> Uuid,
        refused -> Nullable<Text>,
    }
}

diesel::table! {
    refresh_token (id) {
        id -> Uuid,
        family -> Uuid,
        user_id -> Uuid,
        issued_at -> Timestamptz,
        expires_at -> Timestamptz,
        replaced_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    role (code) {
        code -> Text,
        name -> Text,
        permissions -> Array<Text>,
        created_at -> Timestamptz,
        version -> BigInt,
    }
}

diesel::table! {
    setting (one) {
        one -> Bool,
        base_currency -> Text,
        backdating_limit_days -> Nullable<Integer>,
        journal_approval_limit_minor -> Nullable<BigInt>,
        institution_id -> Uuid,
        version -> BigInt,
    }
}

diesel::table! {
    sign_in_failure (id) {
        id -> BigInt,
        subject -> Uuid,
        failed_at -> Timestamptz,
    }
}

diesel::table! {
    signing_key (id) {
        id -> Uuid,
        private_key -> Binary,
        public_key -> Binary,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    staff (id) {
        id -> Uuid,
        number -> Text,
        name -> Text,
        branch_id -> Uuid,
        active -> Bool,
        created_at -> Timestamptz,
        version -> BigInt,
    }
}

diesel::table! {
    state_table (name) {
        name -> Text,
    }
}

diesel::table! {
    user_role (user_id, role_code) {
        user_id -> Uuid,
        role_code -> Text,
    }
}
