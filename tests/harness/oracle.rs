//! The oracle: what must hold after every test with faults, load or races. Numbers as in the project's list of invariants.
