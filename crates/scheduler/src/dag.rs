//! The steps that concern jobs and stages: a job enters ([`submit`]), its stages run when their inputs are there
//! ([`advance`]), what was computed from input that changed is undone ([`rollback`]), outputs move
//! ([`moved`]), jobs end ([`end`]).
//!
//! This file has the tables. A stage moves between three phases, and `advance` makes all the moves ([`cached`] says which inputs it needs):
//!
//! | from | to | when |
//! | --- | --- | --- |
//! | idle | waiting | somebody wants its output, and inputs are missing |
//! | idle, waiting | running | somebody wants its output, and all inputs are there |
//! | running | waiting | a fetch failed, inputs went missing or were rolled back |
//! | running, waiting | idle | it is complete, or nobody wants its output any more |
//!
//! A stage belongs to every running job whose graph has its shuffle, so a stage ends only with the last of them.

mod advance;
mod cached;
mod end;
mod moved;
mod rollback;
mod submit;
