//! One file for each command.

pub mod completions;

pub mod demo;

pub mod migrate;

pub mod openapi;

pub mod serve;

pub mod close_day;

pub mod doctor;

pub mod verify;
