//! The standalone master: who has which cores, and for whom.
