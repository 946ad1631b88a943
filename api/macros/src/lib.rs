//! The derive that turns one documented struct into the GraphQL face of an entity.
//!
//! It only reads names, doc comments and `#[entity(…)]` attributes and hands them, with the type of
//! each field, to `graph::FieldType`; what a type means is said there, in ordinary Rust, so a type
//! that means nothing is an ordinary compile error at the field.

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::quote;
use syn::{
    Attribute, Data, DeriveInput, Error, Expr, ExprLit, Fields, Lit, LitStr, Meta, Path, Result,
    parse_macro_input,
};

/// Declares an entity. On the struct: `#[entity(table = path, plural = "…")]`, with `writes = path` where
/// clients write it, and `log` for the change log itself. On a field:
/// `sort` (lists can be ordered by it), `via = "column"` (where the column of a relation isn't named
/// after it), `pairs("table", "near", "far")` (a relation through a table of pairs),
/// `computed = function, needs("column", …)` (worked out from columns, in ordinary Rust),
/// `rows = function, needs("column", …)` (rows whose keys are worked out so),
/// `paged = function, needs("column", …)` (the same, in pages, forward only).
#[proc_macro_derive(Entity, attributes(entity))]
pub fn derive_entity(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    declaration(&input).unwrap_or_else(Error::into_compile_error).into()
}

fn declaration(input: &DeriveInput) -> Result<Tokens> {
    let ident = &input.ident;
    let name = ident.to_string();
    let about = docs(&input.attrs);
    let mut table: Option<Path> = None;
    let mut plural: Option<LitStr> = None;
    let mut writes: Option<Path> = None;
    let mut log = false;
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("entity")) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("table") {
                table = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("plural") {
                plural = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("writes") {
                writes = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("log") {
                log = true;
            } else {
                return Err(meta.error("an entity has `table`, `plural`, `writes` and `log`"));
            }
            Ok(())
        })?;
    }
    let missing = |what| Error::new_spanned(ident, format!("say #[entity({what})]"));
    let table = table.ok_or_else(|| missing("table = path"))?;
    let plural = plural.ok_or_else(|| missing("plural = \"…\""))?;
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(ident, "an entity is a struct"));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(Error::new_spanned(ident, "an entity has named fields"));
    };
    let fields = fields.named.iter().map(field).collect::<Result<Vec<_>>>()?;
    let rules = writes.map_or_else(|| quote!(None), |path| quote!(Some(#path())));
    Ok(quote! {
        impl crate::graph::Declared for #ident {
            fn entity() -> &'static crate::graph::Entity {
                static ENTITY: ::std::sync::LazyLock<crate::graph::Entity> =
                    ::std::sync::LazyLock::new(|| {
                        crate::graph::Entity::declare(
                            crate::graph::Head {
                                name: #name,
                                about: #about,
                                plural: #plural,
                                table: #table(),
                                rules: #rules,
                                log: #log,
                            },
                            vec![#(#fields),*],
                        )
                    });
                &ENTITY
            }
        }
    })
}

fn field(field: &syn::Field) -> Result<Tokens> {
    let Some(ident) = &field.ident else {
        return Err(Error::new_spanned(field, "an entity has named fields"));
    };
    let name = ident.to_string();
    let about = docs(&field.attrs);
    if about.is_empty() {
        return Err(Error::new_spanned(
            ident,
            "say what it is: its doc comment is what users read",
        ));
    }
    let ty = &field.ty;
    let mut settings: Vec<Tokens> = Vec::new();
    let mut computed = false;
    for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("entity")) {
        attribute.parse_nested_meta(|meta| {
            let texts = |meta: &syn::meta::ParseNestedMeta<'_>| -> Result<Vec<LitStr>> {
                let content;
                syn::parenthesized!(content in meta.input);
                let list = content
                    .parse_terminated(<LitStr as syn::parse::Parse>::parse, syn::Token![,])?;
                Ok(list.into_iter().collect())
            };
            if meta.path.is_ident("sort") {
                settings.push(quote!(sort: true));
            } else if meta.path.is_ident("via") {
                let via: LitStr = meta.value()?.parse()?;
                settings.push(quote!(via: Some(#via)));
            } else if meta.path.is_ident("pairs") {
                let list = texts(&meta)?;
                let [table, near, far] = list.as_slice() else {
                    return Err(meta.error("pairs(\"table\", \"near\", \"far\")"));
                };
                settings.push(quote!(pairs: Some((#table, #near, #far))));
            } else if meta.path.is_ident("computed") {
                let function: Path = meta.value()?.parse()?;
                computed = true;
                settings.push(quote! {
                    computed: Some(|context, rows| {
                        ::std::boxed::Box::pin(crate::graph::computed::resolve::<#ty, _, _>(
                            context, rows, #function,
                        ))
                    })
                });
            } else if meta.path.is_ident("paged") {
                let function: Path = meta.value()?.parse()?;
                computed = true;
                settings.push(quote! {
                    paged: true,
                    computed: Some(|context, rows| {
                        ::std::boxed::Box::pin(crate::graph::computed::resolve_paged::<#ty, _, _>(
                            context, rows, #function,
                        ))
                    })
                });
            } else if meta.path.is_ident("rows") {
                let function: Path = meta.value()?.parse()?;
                computed = true;
                settings.push(quote! {
                    computed: Some(|context, rows| {
                        ::std::boxed::Box::pin(<#ty>::resolve_all(context, rows, #function))
                    })
                });
            } else if meta.path.is_ident("needs") {
                let columns = texts(&meta)?;
                settings.push(quote!(needs: &[#(#columns),*]));
            } else {
                return Err(meta.error(
                    "a field has `sort`, `via`, `pairs`, `computed`, `rows`, `paged`, `needs`",
                ));
            }
            Ok(())
        })?;
    }
    let ty = if computed { quote!(crate::graph::Computed<#ty>) } else { quote!(#ty) };
    Ok(quote! {
        <#ty as crate::graph::FieldType>::declare(crate::graph::Spec {
            #(#settings,)*
            ..crate::graph::Spec::new(#name, #about)
        })
    })
}

/// The doc comment, its lines joined as they were written.
fn docs(attributes: &[Attribute]) -> String {
    let lines: Vec<String> = attributes
        .iter()
        .filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
                Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
                _ => None,
            },
            _ => None,
        })
        .collect();
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join("\n").trim().to_owned()
}
