//! Application events folded into what is shown.
