//! A deterministic simulator of the scheduler and its surroundings.
