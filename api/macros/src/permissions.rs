//! The permissions of hand-written root fields.

use proc_macro2::TokenStream as Tokens;
use quote::quote;
use syn::{Attribute, Error, Ident, ImplItem, ImplItemFn, ItemImpl, Result};

/// The `impl` block without the attributes of this macro, and the constant with the permissions.
pub(super) fn declare(mut block: ItemImpl) -> Result<Tokens> {
    let mut permissions = Vec::new();
    for item in &mut block.items {
        if let ImplItem::Fn(method) = item {
            permissions.push(permission(method)?);
        }
    }
    let ty = &block.self_ty;
    Ok(quote! {
        #block

        impl #ty {
            /// The permission of each field; `None` if the field is public.
            pub const PERMISSIONS: &'static [(&'static str, Option<::engine::Permission>)] =
                &[#(#permissions),*];
        }
    })
}

/// The name of the field and its permission. Removes the attribute.
fn permission(method: &mut ImplItemFn) -> Result<Tokens> {
    let is_permission = |attribute: &Attribute| attribute.path().is_ident("permission");
    let Some(place) = method.attrs.iter().position(is_permission) else {
        let text = "missing #[permission(…)]: a variant of `engine::Permission`, or `Public`";
        return Err(Error::new_spanned(&method.sig.ident, text));
    };
    let permission: Ident = method.attrs.remove(place).parse_args()?;
    let name = camel(&method.sig.ident.to_string());
    Ok(if permission == "Public" {
        quote!((#name, None))
    } else {
        quote!((#name, Some(::engine::Permission::#permission)))
    })
}

/// The name of a field of a method, as the library derives it: `open_event` is `openEvent`.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        camel.extend(letters);
    }
    camel
}
