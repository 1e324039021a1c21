//! Has the linker fold identical functions where `FIRESTEEL_FOLD` is set: an argument of our own programs alone, since one for all
//! would make every dependency another one.

fn main() {
    println!("cargo:rerun-if-env-changed=FIRESTEEL_FOLD");
    if std::env::var_os("FIRESTEEL_FOLD").is_some() {
        println!("cargo:rustc-link-arg=-Wl,--icf=all");
    }
}
