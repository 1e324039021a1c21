//! Bad input: requests that cannot work, and files that break. The error says what, where and why; no output is
//! left that looks whole; and the context goes on.

mod bad_input {
    mod broken_files;
    mod files;
    mod full_disks;
    mod lineages;
    mod panics;
    mod shapes;
    mod support;
    mod types;
}
