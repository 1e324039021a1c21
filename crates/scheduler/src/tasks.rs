//! The steps that concern single tasks: which task takes which slot ([`offers`]; for barrier stages,
//! [`barrier_sets`]), what its outcome means ([`outcomes`]), when it gets a copy ([`speculation`]), how it is
//! told to stop ([`kill`]), where it may not run ([`exclusions`]), what the coming and going of executors does to it ([`liveness`]).
//!
//! The steps are methods of the [`Scheduler`](crate::Scheduler), and change its tables.

mod barrier_sets;
mod exclusions;
mod kill;
mod liveness;
mod offers;
mod outcomes;
mod speculation;
