//! The derived schema types for writing.

use engine::{
    enum_values::{self, EnumValue},
    write::{DefaultValue, Delete, OnError, Rules},
};

use super::{
    declaration::{Entity, EnumType, Scalar, apart, camel, field_type::Vocabulary},
    mutations::{CrudMutation, MAX_ITEMS, MutationKind, mutations},
    nested_rows::{self, children},
    payload::UserError,
    registration::register,
    registry::{ArgumentType, FieldType, Schema, argument, argument_or, field, with_arguments},
    scalar::{EnumValueOf, enum_value, type_name},
    write_fields::{InputType, Written, written},
};
use crate::catalog::Catalog;

/// Handling of rejected items in a batch.
#[derive(Clone, Copy, Debug)]
pub enum OnErrorChoice {}

impl OnErrorChoice {
    /// The handling that a client has chosen.
    #[must_use]
    pub fn of(choice: &EnumValueOf<Self>) -> OnError {
        if choice.name() == SKIP_FAILED { OnError::SkipFailed } else { OnError::RejectAll }
    }
}

const SKIP_FAILED: &str = "skip_failed";

impl Vocabulary for OnErrorChoice {
    fn enum_type() -> &'static EnumType {
        const WORDS: &[EnumValue] = &[
            enum_values::enum_value("reject_all", "Nothing is written."),
            enum_values::enum_value(SKIP_FAILED, "The other items are written."),
        ];
        &EnumType { name: "OnError", about: "Handling of rejected items in a batch.", words: WORDS }
    }
}

/// The description of the idempotency key of every mutation that creates rows.
const KEY: &str = "Idempotency key, e.g. a UUID. For 24 hours, a repeated request with the same input writes nothing and returns the current rows; a different input is rejected.";

/// Adds the inputs and payloads of all CRUD mutations; returns the fields of the mutation root.
pub(super) fn roots(schema: &mut Schema<'_>) -> Vec<FieldType> {
    schema.register(register::<UserError>);
    let choice = OnErrorChoice::enum_type();
    let values = choice.words.iter().map(|word| (word.enum_value(), word.about)).collect();
    schema.enumeration(choice.name, choice.about, values);
    let mut fields = Vec::new();
    for entity in schema.catalog.entities() {
        let Some(rules) = entity.rules else { continue };
        schema.items(entity, rules);
        for mutation in mutations(entity) {
            fields.push(schema.mutation(&mutation));
        }
    }
    fields
}

impl Schema<'_> {
    /// Adds the inputs of an entity: for creating rows and for changing rows.
    fn items(&mut self, entity: &'static Entity, rules: &'static Rules) {
        let one = apart(entity.name, ' ');
        if rules.create.is_some() {
            let name = format!("{}Input", entity.name);
            let about = format!("Input to create {}.", a(&one));
            self.input(&name, &about, false, creation(self.catalog, entity, rules));
            for child in children(self.catalog, entity) {
                let mut fields = creation(self.catalog, child.entity, child.rules);
                let reference = written(child.entity, child.rules, false);
                let reference = reference.into_iter().find(|field| field.column == child.column);
                fields.retain(|field| {
                    Some(&field.name) != reference.as_ref().map(|field| &field.name)
                });
                let about = format!(
                    "Input to create {} together with its {one}.",
                    a(&apart(child.entity.name, ' '))
                );
                self.input(&child.input_type(entity), &about, false, fields);
            }
        }
        if rules.update {
            let fields = written(entity, rules, true);
            let fields = fields.iter().map(|one| argument(&one.name, &ty(one), &one.about));
            let about = format!(
                "Changes to {}: omitted fields are unchanged; null clears a field.",
                a(&one)
            );
            let fields = fields.collect();
            self.input(&format!("{}Patch", entity.name), &about, false, fields);
        }
    }

    fn mutation(&mut self, mutation: &CrudMutation) -> FieldType {
        let CrudMutation { entity, rules, .. } = *mutation;
        let (one, many) = (apart(entity.name, ' '), entity.plural_words());
        let id = argument("id", "ID!", &format!("ID of the {one}."));
        let revision = "Expected `revision`: the mutation fails with `REVISION_CONFLICT` if the row has changed since.";
        let revision = argument("expectedRevision", "Int", revision);
        let key = argument("idempotencyKey", "String", KEY);
        let row = |about: &str| field(&entity.single, entity.name, about);
        let rows = |about: &str| field(entity.plural, &format!("[{}]", entity.name), about);
        let items = |about: &str| {
            let about = format!("{about} Maximum: {MAX_ITEMS}.");
            argument(entity.plural, &format!("[{}Input!]!", entity.name), &about)
        };
        let on_error = || {
            let about = "Handling of rejected items.";
            argument_or("onError", "OnError", "REJECT_ALL", about)
        };
        let identity = (rules.table)().unique_field().map(|identity| {
            let is_shown = !(rules.table)().is_comparison(identity.column);
            camel(if is_shown { identity.column } else { identity.written_as })
        });
        let identity = identity.unwrap_or_default();
        let (about, input, payload) = match mutation.does {
            MutationKind::Create => {
                let mut fields = creation(self.catalog, entity, rules);
                fields.push(key);
                (
                    format!("Creates {}.", a(&one)),
                    fields,
                    vec![row("The new row; null after errors.")],
                )
            }
            MutationKind::CreateMany => (
                format!("Creates {many}. Maximum: {MAX_ITEMS} at once."),
                vec![items("Inputs, one for each row."), on_error(), key],
                vec![rows(
                    "The new rows, in the order of the input; null where rejected. Null if no row was written.",
                )],
            ),
            MutationKind::UpsertMany => (
                format!(
                    "Creates {many}, or updates rows with the same `{identity}` (case-insensitive). Maximum: {MAX_ITEMS} at \
                     once. Omitted fields of existing rows are unchanged."
                ),
                vec![items("Inputs, one for each row."), on_error(), key],
                vec![
                    rows(
                        "The current rows, in the order of the input; null where rejected. Null if no row was written.",
                    ),
                    field("createdCount", "Int!", "Number of rows created."),
                    field("updatedCount", "Int!", "Number of rows updated."),
                ],
            ),
            MutationKind::Update => (
                format!("Updates {}.", a(&one)),
                vec![
                    id,
                    revision,
                    argument("patch", &format!("{}Patch!", entity.name), "Changes."),
                    key,
                ],
                vec![row(
                    "The current row, also after a `REVISION_CONFLICT`; null after other errors.",
                )],
            ),
            MutationKind::Delete => {
                let mut payload =
                    vec![field("deletedId", "ID", "ID of the row; null after errors.")];
                let how = if rules.delete == Delete::Soft {
                    payload.push(row("The current row with `deletedAt`, also after a `REVISION_CONFLICT`; null after other errors."));
                    format!(
                        " (soft delete): lists no longer contain the row; `restore{}` restores it",
                        entity.name
                    )
                } else {
                    " permanently".to_owned()
                };
                (format!("Deletes {}{how}.", a(&one)), vec![id, revision], payload)
            }
            MutationKind::Restore => (
                format!("Restores {} that was soft-deleted.", a(&one)),
                vec![id],
                vec![row(
                    "The current row, also after a `REVISION_CONFLICT`; null after other errors.",
                )],
            ),
        };
        self.root(mutation, &about, input, payload)
    }

    fn root(
        &mut self,
        mutation: &CrudMutation,
        about: &str,
        input: Vec<ArgumentType>,
        mut payload: Vec<FieldType>,
    ) -> FieldType {
        let name = &mutation.name;
        let (takes, gives) = (mutation.type_name("Input"), mutation.type_name("Payload"));
        self.input(&takes, &format!("Input of `{name}`."), false, input);
        let errors = "Errors of the input; empty on success.";
        payload.push(field("userErrors", "[UserError!]!", errors));
        self.object(&gives, &format!("Payload of `{name}`."), payload);
        let input = argument("input", &format!("{takes}!"), "Input.");
        with_arguments(field(name, &format!("{gives}!"), about), vec![input])
    }
}

/// The input fields of a new row.
fn creation(
    catalog: &Catalog,
    entity: &'static Entity,
    rules: &'static Rules,
) -> Vec<ArgumentType> {
    let mut fields: Vec<_> = written(entity, rules, false)
        .iter()
        .map(|one| {
            let is_optional =
                !one.required || nested_rows::alternative(entity, rules, one.column).is_some();
            let required = if is_optional { "" } else { "!" };
            let is_stated = one.about.contains("Default: ");
            let usual = if is_stated { String::new() } else { usual(one) };
            let nested = nested_rows::alternative(entity, rules, one.column);
            let nested = nested.map(|name| format!(" Required unless `{name}` is given."));
            let about = format!("{}{usual}{}", one.about, nested.unwrap_or_default());
            argument(&one.name, &format!("{}{required}", ty(one)), &about)
        })
        .collect();
    fields.extend(nested_rows::arguments(catalog, entity, rules));
    for link in rules.links {
        let far = catalog.of_table((link.pairs.far_table)().name);
        let about = format!("IDs of {} to link. Maximum: {MAX_ITEMS}.", far.plural_words());
        fields.push(argument(&camel(link.keys), "[ID!]", &about));
        if let Some(rows) = &link.rows {
            let far = catalog.of_table(((rows.rules)().table)().name);
            let about = format!("{} to create and link.", far.plural_words());
            let mut about = about;
            about[..1].make_ascii_uppercase();
            fields.push(argument(&camel(rows.name), &format!("[{}Input!]", far.name), &about));
        }
    }
    fields
}

fn usual(written: &Written) -> String {
    match written.usual {
        DefaultValue::Nothing => String::new(),
        DefaultValue::Bool(value) => format!(" Default: `{value}`."),
        DefaultValue::Int(value) => format!(" Default: `{value}`."),
        DefaultValue::Text(text) => match written.takes {
            InputType::Value(Scalar::Enum(ty)) => format!(" Default: `{}`.", enum_value(ty, text)),
            _ => format!(" Default: `{text}`."),
        },
        DefaultValue::Now => " Default: now.".to_owned(),
        DefaultValue::Follows => " Default: computed from the other fields.".to_owned(),
    }
}

fn ty(written: &Written) -> String {
    match written.takes {
        InputType::Value(scalar) => type_name(scalar).to_owned(),
        InputType::Id(_) => "ID".to_owned(),
    }
}

/// `event` → `an event`.
fn a(word: &str) -> String {
    let is_an = word.starts_with(['a', 'e', 'i', 'o', 'u']) || word.starts_with("LLM ");
    let article = if is_an { "an" } else { "a" };
    format!("{article} {word}")
}
