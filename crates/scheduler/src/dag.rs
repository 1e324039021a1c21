//! The steps that concern jobs and stages: a job enters ([`submit`]), its stages run when their inputs are
//! there ([`advance`]), outputs that were computed from a changed input are undone ([`rollback`]), outputs
//! move ([`moved`]), jobs end ([`end`]), a driver takes up what an earlier one has done ([`restore`]).
//!
//! The steps are methods of the [`Scheduler`](crate::Scheduler), and change its tables. A stage moves between
//! three phases; `advance` makes all the moves, and [`cached`] decides which inputs the stage needs:
//!
//! | from | to | when |
//! | --- | --- | --- |
//! | idle | waiting | a job or a stage wants its output, and inputs are missing |
//! | idle, waiting | running | a job or a stage wants its output, and all inputs are there |
//! | running | waiting | a fetch failed, inputs went missing or were rolled back |
//! | running, waiting | idle | it is complete, or no job and no stage wants its output any more |
//!
//! A stage belongs to every running job whose graph has its shuffle, so a stage ends only with the last of
//! them.

mod advance;
mod cached;
mod end;
mod moved;
mod restore;
mod rollback;
mod submit;
