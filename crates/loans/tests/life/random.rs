//! Random agreements and random lives, such as a branch sees them: mostly in order, now and then late, early or wrong.

use std::sync::Arc;

use chrono::Days;
use kernel::amount::Amount;
use kernel::day_count::DayCount;
use loans::loan::Agreement;
use loans::terms::{
    Allocation, Basis, Bucket, Calculation, Frequency, Interest, InterestMethod, Rate, RatePer, Rounding, RoundingMode,
    Terms, Unit, Walk,
};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::support::{date, monthly};

/// What somebody wants to record, before it is known whether that is possible.
#[derive(Debug, Clone)]
pub struct Wish {
    pub loan: usize,
    pub kind: WishKind,
    /// The value date is so many days before the business day.
    pub days_back: u64,
}

#[derive(Debug, Clone)]
pub enum WishKind {
    Approve,
    Lapse,
    Disburse {
        kept_back_percent: i64,
    },
    Repay(Size),
    /// Any of those recorded.
    Reverse {
        place: usize,
    },
    Flag(bool),
}

/// How much is paid, told by what the loan is then.
#[derive(Debug, Clone)]
pub enum Size {
    Minor(i64),
    /// So many percent of the first instalment.
    OfInstalment(i64),
    /// The payoff and so many minor units.
    Payoff(i64),
}

#[derive(Debug, Clone)]
pub struct Borrower {
    pub agreement: Arc<Agreement>,
    pub principal: Amount,
}

pub fn borrower() -> impl Strategy<Value = Borrower> {
    let instalments = prop_oneof![1 => 1..4_u32, 3 => 4..30_u32];
    let principal = prop_oneof![100..9_999_i64, 1_000_000..90_000_000_i64].prop_map(Amount::of_minor);
    // An odd first period, and now and then one that a late disbursement has no schedule for.
    let first_due_on =
        proptest::option::weighted(0.3, (0..70_u64).prop_map(|later| date("2027-12-01") + Days::new(later)));
    (terms(), instalments, first_due_on, principal).prop_map(|(terms, instalments, first_due_on, principal)| Borrower {
        agreement: Arc::new(Agreement { terms: terms.into(), instalments, first_due_on }),
        principal,
    })
}

fn terms() -> impl Strategy<Value = Terms> {
    let interest = prop_oneof![
        Just((InterestMethod::Declining, Calculation::PerPeriod)),
        Just((InterestMethod::Declining, Calculation::Daily)),
        Just((InterestMethod::Flat, Calculation::PerPeriod)),
    ];
    let frequency =
        prop_oneof![(1..9_u32, Just(Unit::Day)), (1..4_u32, Just(Unit::Week)), (1..3_u32, Just(Unit::Month))];
    let day_count = proptest::sample::select(DayCount::ALL.to_vec());
    let order = Just(Bucket::ALL.to_vec()).prop_shuffle();
    let order = prop_oneof![2 => Just(Bucket::ALL.to_vec()), 1 => order];
    let walk = prop_oneof![Just(Walk::ByInstalment), Just(Walk::ByPart)];
    let allocation = (order, walk).prop_map(|(order, walk)| Allocation { order, walk, ..Allocation::default() });
    let modes = vec![RoundingMode::Nearest, RoundingMode::Up, RoundingMode::Down];
    let rounding = (1..600_i64, proptest::sample::select(modes))
        .prop_map(|(multiple, mode)| Rounding { instalment_multiple: Amount::of_minor(multiple), mode });
    let rounding = proptest::option::weighted(0.2, rounding);
    let non_accrual_days = proptest::sample::select(vec![0, 7, 20, 45, 90]);
    (interest, frequency, 0..80_i64, day_count, allocation, rounding, non_accrual_days).prop_map(
        |((method, calculation), (every, unit), percent, day_count, allocation, rounding, non_accrual_days)| Terms {
            frequency: Frequency { every, unit },
            interest: Interest {
                method,
                rate: Rate { percent: Decimal::from(percent), per: RatePer::Year },
                calculation,
                day_count,
                first_period: Default::default(),
            },
            allocation,
            rounding,
            // One of the thresholds stands for products on the cash basis, which know none.
            basis: if non_accrual_days == 45 { Basis::Cash } else { Basis::Accrual },
            non_accrual_days,
            ..monthly(method, percent)
        },
    )
}

pub fn wish(loans: usize) -> impl Strategy<Value = Wish> {
    let size = prop_oneof![
        1 => (1..20_000_i64).prop_map(Size::Minor),
        12 => prop_oneof![Just(100), 1..150_i64, 200..600_i64].prop_map(Size::OfInstalment),
        1 => (-2..500_i64).prop_map(Size::Payoff),
    ];
    let kind = prop_oneof![
        2 => Just(WishKind::Approve),
        1 => Just(WishKind::Lapse),
        2 => (0..50_i64).prop_map(|kept_back_percent| WishKind::Disburse { kept_back_percent }),
        20 => size.prop_map(WishKind::Repay),
        4 => any::<usize>().prop_map(|place| WishKind::Reverse { place }),
        1 => any::<bool>().prop_map(WishKind::Flag),
    ];
    let days_back = prop_oneof![3 => Just(0_u64), 1 => 0..40_u64];
    (0..loans, kind, days_back).prop_map(|(loan, kind, days_back)| Wish { loan, kind, days_back })
}
