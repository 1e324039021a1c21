//! A program that loads the plugin: it stands for the interpreter that loads a native module.

use closure_matrix::Checked;
use std::ffi::{CStr, CString};

/// What the plugin shows to its host.
const ENTRY: &CStr = c"plugin_main";

/// Loads a plugin and calls it; what it should do stands in the arguments of the process.
pub fn run_plugin(path: &str) -> Checked {
    let name = CString::new(path).map_err(|e| e.to_string())?;
    // SAFETY: a plugin runs code of ours when it is loaded, and nothing else; the name is a C string.
    let plugin = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    if plugin.is_null() {
        return Err(format!("cannot load {path}"));
    }
    // SAFETY: the handle is one of `dlopen`, never closed, and the name is a C string.
    let entry = unsafe { libc::dlsym(plugin, ENTRY.as_ptr()) };
    if entry.is_null() {
        return Err(format!("{path} has no {ENTRY:?}"));
    }
    // SAFETY: this is how the plugin, built from the folder beside, defines the function.
    let entry: extern "C" fn() -> bool = unsafe { std::mem::transmute(entry) };
    if entry() { Ok(()) } else { Err("the plugin said why".into()) }
}
