//! The derive macro that generates the GraphQL API of an entity from one documented struct.
//!
//! The macro only reads names, doc comments and `#[entity(…)]` attributes and passes them, with the type of each
//! field, to `graph::FieldType`. The meaning of a type is implemented there in plain Rust, so an unsupported type
//! is an ordinary compile error at the field.

mod permissions;

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::quote;
use syn::{
    Attribute, Data, DeriveInput, Error, Expr, ExprLit, Fields, Lit, LitStr, Meta, Path, Result,
    parse_macro_input,
};

/// Declares an entity. Attributes of the struct: `#[entity(table = path, plural = "…", read = Permission)]`, with
/// `writes = path, write = Permission` if clients can write the entity, and `log` for the change log itself. The
/// permissions are variants of `engine::Permission`.
///
/// Attributes of a field:
///
/// - `sort`: lists can be sorted by the field; `sort = "column"`: by this rank of the field, a number. Rows without a
///   rank are last.
/// - `via = "column"`: the foreign key column of a relation, if its name is not derived from the field name.
/// - `pairs("table", "near", "far")`: a relation through a join table, with its source and target columns.
/// - `computed = function, needs("column", …)`: computed from columns by a Rust function.
/// - `rows = function, needs("column", …)`: rows whose primary keys are computed.
/// - `paged = function, needs("column", …)`: a computed field with forward pagination.
#[proc_macro_derive(Entity, attributes(entity))]
pub fn derive_entity(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    declaration(&input).unwrap_or_else(Error::into_compile_error).into()
}

/// Declares the permission of each root field of an `impl` block, above `#[Object]` or `#[Subscription]`. Each method has
/// an attribute `#[permission(Write)]`, a variant of `engine::Permission`, or `#[permission(Public)]` for callers
/// without a key. A method without one is a compile error. The constant `PERMISSIONS` has the permissions by the name of
/// the field.
#[proc_macro_attribute]
pub fn permissions(_: TokenStream, input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as syn::ItemImpl);
    permissions::declare(input).unwrap_or_else(Error::into_compile_error).into()
}

fn declaration(input: &DeriveInput) -> Result<Tokens> {
    let ident = &input.ident;
    let name = ident.to_string();
    let about = docs(&input.attrs);
    let mut table: Option<Path> = None;
    let mut plural: Option<LitStr> = None;
    let mut writes: Option<Path> = None;
    let mut read: Option<Path> = None;
    let mut write: Option<Path> = None;
    let mut log = false;
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("entity")) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("table") {
                table = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("plural") {
                plural = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("writes") {
                writes = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("read") {
                read = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("write") {
                write = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("log") {
                log = true;
            } else {
                return Err(meta.error(
                    "unknown entity attribute; expected `table`, `plural`, `read`, `writes`, `write` or `log`",
                ));
            }
            Ok(())
        })?;
    }
    let missing = |what| Error::new_spanned(ident, format!("missing #[entity({what})]"));
    let table = table.ok_or_else(|| missing("table = path"))?;
    let plural = plural.ok_or_else(|| missing("plural = \"…\""))?;
    let read = read.ok_or_else(|| missing("read = Permission"))?;
    if writes.is_some() != write.is_some() {
        return Err(missing("writes = path, write = Permission"));
    }
    let write = write
        .map_or_else(|| quote!(None), |permission| quote!(Some(::engine::Permission::#permission)));
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(ident, "an entity must be a struct"));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(Error::new_spanned(ident, "an entity must have named fields"));
    };
    let fields = fields.named.iter().map(field).collect::<Result<Vec<_>>>()?;
    let rules = writes.map_or_else(|| quote!(None), |path| quote!(Some(#path())));
    Ok(quote! {
        impl ::graph::Declared for #ident {
            fn entity() -> &'static ::graph::Entity {
                static ENTITY: ::std::sync::LazyLock<::graph::Entity> =
                    ::std::sync::LazyLock::new(|| {
                        ::graph::Entity::declare(
                            ::graph::EntityDescription {
                                name: #name,
                                about: #about,
                                plural: #plural,
                                table: #table(),
                                rules: #rules,
                                read: ::engine::Permission::#read,
                                write: #write,
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
        return Err(Error::new_spanned(field, "an entity must have named fields"));
    };
    let name = ident.to_string();
    let about = docs(&field.attrs);
    if about.is_empty() {
        return Err(Error::new_spanned(
            ident,
            "missing doc comment, which is the description of the field in the schema",
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
                if meta.input.peek(syn::Token![=]) {
                    let rank: LitStr = meta.value()?.parse()?;
                    settings.push(quote!(rank: Some(#rank)));
                }
            } else if meta.path.is_ident("via") {
                let via: LitStr = meta.value()?.parse()?;
                settings.push(quote!(via: Some(#via)));
            } else if meta.path.is_ident("pairs") {
                let list = texts(&meta)?;
                let [table, near, far] = list.as_slice() else {
                    return Err(meta.error("expected pairs(\"table\", \"near\", \"far\")"));
                };
                settings.push(quote!(pairs: Some((#table, #near, #far))));
            } else if meta.path.is_ident("computed") {
                let function: Path = meta.value()?.parse()?;
                computed = true;
                settings.push(quote! {
                    computed: Some(|context, rows| {
                        ::std::boxed::Box::pin(::graph::computed_field::resolve::<#ty, _, _>(
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
                        ::std::boxed::Box::pin(::graph::computed_field::resolve_paged::<#ty, _, _>(
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
                    "unknown field attribute; expected `sort`, `via`, `pairs`, `computed`, `rows`, `paged` or `needs`",
                ));
            }
            Ok(())
        })?;
    }
    let ty = if computed { quote!(::graph::Computed<#ty>) } else { quote!(#ty) };
    Ok(quote! {
        <#ty as ::graph::FieldType>::declare(::graph::FieldSpec {
            #(#settings,)*
            ..::graph::FieldSpec::new(#name, #about)
        })
    })
}

/// The doc comment with its line breaks.
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
