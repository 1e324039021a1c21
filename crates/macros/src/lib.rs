//! The attribute `#[firesteel::main]`. Use it through the `firesteel` crate, which documents it.

use proc_macro::TokenStream;
use quote::quote;
use syn::{ItemFn, parse_macro_input};

/// Makes a function the program's `main`: see `firesteel::main`.
#[proc_macro_attribute]
pub fn main(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let function = parse_macro_input!(item as ItemFn);
    if let Some(argument) = proc_macro2::TokenStream::from(arguments).into_iter().next() {
        let text = "#[firesteel::main] takes no arguments: configure the application with Context::builder()";
        return syn::Error::new(argument.span(), text).to_compile_error().into();
    }
    expand(&function).unwrap_or_else(|error| error.to_compile_error()).into()
}

fn expand(function: &ItemFn) -> syn::Result<proc_macro2::TokenStream> {
    let signature = &function.sig;
    if signature.ident != "main" {
        return Err(syn::Error::new_spanned(
            &signature.ident,
            "#[firesteel::main] belongs on the function `main`",
        ));
    }
    if let Some(argument) = signature.inputs.first() {
        return Err(syn::Error::new_spanned(argument, "`main` takes no arguments"));
    }
    if let Some(keyword) = &signature.asyncness {
        return Err(syn::Error::new_spanned(
            keyword,
            "`main` is not async: actions block until their answer is there",
        ));
    }
    let (attributes, output, block) = (&function.attrs, &signature.output, &function.block);
    Ok(quote! {
        #(#attributes)*
        fn main() -> ::std::process::ExitCode {
            fn firesteel_main() #output #block
            ::firesteel::run_main(firesteel_main)
        }
    })
}
