//! The attribute `#[firesteel::main]`. Use it through the `firesteel` crate, which documents it.

use proc_macro::TokenStream;
use proc_macro2::TokenStream as TokenStream2;
use quote::quote;
use syn::{Error, ItemFn, parse_macro_input};

/// Makes a function the program's `main`: see `firesteel::main`.
#[proc_macro_attribute]
pub fn main(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let function = parse_macro_input!(item as ItemFn);
    match check(&arguments.into(), &function) {
        Ok(()) => expand(&function).into(),
        Err(error) => refuse(&error, &function).into(),
    }
}

fn check(arguments: &TokenStream2, function: &ItemFn) -> syn::Result<()> {
    let signature = &function.sig;
    if let Some(argument) = arguments.clone().into_iter().next() {
        let text =
            "#[firesteel::main] takes no arguments: configure the application with `Context::builder()`";
        return Err(Error::new(argument.span(), text));
    }
    if signature.ident != "main" {
        let text = "#[firesteel::main] belongs on the function `main`; other functions need no attribute";
        return Err(Error::new_spanned(&signature.ident, text));
    }
    if let Some(argument) = signature.inputs.first() {
        let text = "`main` takes no arguments: ask `std::env::args()` for those of the command line";
        return Err(Error::new_spanned(argument, text));
    }
    if let Some(keyword) = &signature.asyncness {
        let text = "`main` is not async: write `fn main`; actions block until their answer is there";
        return Err(Error::new_spanned(keyword, text));
    }
    if let Some(parameter) = signature.generics.params.first() {
        return Err(Error::new_spanned(
            parameter,
            "`main` has no parameters: there is no caller to pass them",
        ));
    }
    Ok(())
}

fn expand(function: &ItemFn) -> TokenStream2 {
    let (attributes, output, block) = (&function.attrs, &function.sig.output, &function.block);
    quote! {
        #(#attributes)*
        fn main() -> ::std::process::ExitCode {
            fn firesteel_main() #output #block
            ::firesteel::run_main(firesteel_main)
        }
    }
}

/// Returns the error alone, with an empty `main`: the compiler does not also complain of a program without
/// `main`.
fn refuse(error: &Error, function: &ItemFn) -> TokenStream2 {
    let error = error.to_compile_error();
    match function.sig.ident == "main" {
        true => quote! { #error fn main() {} },
        false => error,
    }
}
