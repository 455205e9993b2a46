//! The calculator: terms in, instalments and rates out. Reference cases first, then what must always hold.

mod support;

mod reference;

mod golden;

mod rates;

mod refusals;

mod naive;

mod properties;
