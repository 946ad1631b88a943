//! Generated CRUD mutations of an entity, for tests that cover every mutation of the schema.

use engine::{
    Kind,
    write::{
        Check,
        rules::{DefaultValue, FieldRule, Writable},
    },
};
use graph::{Entity, declaration::FieldKind, mutations::MutationKind};
use sea_orm::{ConnectionTrait, Statement};

/// A value that a rule accepts, in GraphQL syntax. `variant` distinguishes the values of two calls.
fn sample(rule: &FieldRule, kind: Kind, variant: u8) -> String {
    match (rule.check, kind) {
        (Check::OneOf(values), _) => {
            values[usize::from(variant).min(values.len() - 1)].enum_value()
        }
        (Check::Between(least, most), _) => {
            (if variant == 0 { least } else { f64::midpoint(least, most) }).to_string()
        }
        (Check::Email, _) => format!("\"sample{variant}@sample.example\""),
        (Check::Url, _) => format!("\"sample{variant}.example\""),
        (Check::Phone, _) => format!("\"+49301234567{variant}\""),
        (Check::List, _) => format!("[{variant}]"),
        (_, Kind::Bool) => (variant == 0).to_string(),
        (_, Kind::BigInt | Kind::Int | Kind::Double) => variant.to_string(),
        (_, Kind::Time) => format!("\"2026-01-0{}T00:00:00Z\"", variant + 1),
        (_, Kind::Json) => format!("{{ sample: {variant} }}"),
        (_, Kind::Text) => format!("\"sample {variant}\""),
    }
}

/// The fields of an input: the required ones of a new row, or the first writable one of a patch.
fn fields(entity: &Entity, variant: u8, patch: bool) -> String {
    let rules = entity.rules.expect("an entity with mutations has rules");
    let mut inputs = Vec::new();
    for field in &entity.fields {
        let column = match &field.gives {
            FieldKind::Column { column, .. } | FieldKind::Reference { column, .. } => *column,
            _ => continue,
        };
        let stored = &entity.table.columns[column];
        let Some(rule) = rules.field(stored.name).filter(|rule| rule.when != Writable::Never)
        else {
            continue;
        };
        let required = !stored.nullable && matches!(rule.usual, DefaultValue::Nothing);
        let is_wanted = if patch {
            rule.when == Writable::Always && rule.refers.is_none() && inputs.is_empty()
        } else {
            required
        };
        if is_wanted {
            let value = match rule.refers {
                Some(_) => "1".to_owned(),
                None => sample(rule, stored.kind, variant),
            };
            inputs.push(format!("{}: {value}", field.name));
        }
    }
    inputs.join(", ")
}

/// The CRUD mutations of an entity whose newest row has the primary key `newest`: two rows are created, the first one is
/// updated, and the second one is deleted and restored.
#[must_use]
pub fn plain_mutations(entity: &'static Entity, newest: i64) -> Vec<(String, String)> {
    let (first, second) = (newest + 1, newest + 2);
    let mutations = graph::mutations::mutations(entity).into_iter();
    let order = |kind: MutationKind| match kind {
        MutationKind::Create => 0,
        MutationKind::CreateMany => 1,
        MutationKind::UpsertMany => 2,
        MutationKind::Update => 3,
        MutationKind::Delete => 4,
        MutationKind::Restore => 5,
    };
    let mut all: Vec<_> = mutations.collect();
    all.sort_by_key(|mutation| order(mutation.does));
    let made = all.into_iter().map(|mutation| {
        let input = match mutation.does {
            MutationKind::Create => fields(entity, 0, false),
            MutationKind::CreateMany | MutationKind::UpsertMany => {
                format!("{}: [{{ {} }}]", entity.plural, fields(entity, 1, false))
            }
            MutationKind::Update => {
                format!("id: {first}, patch: {{ {} }}", fields(entity, 2, true))
            }
            MutationKind::Delete | MutationKind::Restore => format!("id: {second}"),
        };
        (mutation.name.clone(), format!("{}(input: {{ {input} }})", mutation.name))
    });
    made.collect()
}

impl crate::App {
    /// Inserts a row of each entity with a create mutation that has no row yet, with its required columns. The change
    /// log has no entries of these rows. Memberships have no such mutation.
    pub async fn rows_of_other_entities(&self) {
        for entity in api::catalog::entities() {
            let rows = format!("{{ {} {{ totalCount }} }}", entity.plural);
            let Some(rules) = entity.rules.filter(|rules| rules.create.is_some()) else { continue };
            if self.data(&rows).await[entity.plural]["totalCount"] != 0 {
                continue;
            }
            let (mut columns, mut values) = (Vec::new(), Vec::new());
            for column in &entity.table.columns {
                let given = ["id", "organization_id", "created_at", "updated_at"];
                if column.nullable || given.contains(&column.name) {
                    continue;
                }
                let value = match rules.field(column.name) {
                    Some(rule) if rule.refers.is_some() => "1".to_owned(),
                    Some(rule) => match (rule.check, column.kind) {
                        (Check::OneOf(values), _) => format!("'{}'", values[0].name),
                        (_, Kind::Json) => "'{}'".to_owned(),
                        _ => sample(rule, column.kind, 1).replace('"', "'"),
                    },
                    None => "1".to_owned(),
                };
                columns.push(column.name);
                values.push(value);
            }
            self.put(entity.table.name, &columns.join(", "), &values.join(", ")).await;
        }
        self.member("member@world.example").await;
    }

    /// The primary keys of the change log entries of an entity.
    pub async fn entries_of(&self, entity: &str) -> Vec<i64> {
        let sql = format!("SELECT id FROM changes WHERE entity = '{entity}' ORDER BY id");
        let statement = Statement::from_string(self.db.get_database_backend(), sql);
        let rows = self.db.query_all_raw(statement).await.unwrap();
        rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
    }

    /// Inserts a user without a password, and an active membership.
    pub async fn member(&self, email: &str) {
        let columns = "email, timezone, login_method, onboarding_completed, last_signed_in";
        let values = format!("'{email}', 'UTC', 'email', FALSE, '2026-03-01T12:00:00+00:00'");
        self.put("users", columns, &values).await;
        let user = "(SELECT max(id) FROM users)";
        self.put("memberships", "user_id, role, status", &format!("{user}, 'member', 'active'"))
            .await;
    }
}
