//! Every setting, once.
