//! The clocks of functions, which need no interpreter.

#[allow(dead_code)]
#[path = "../src/timing.rs"]
mod timing;
