//! Message templates with variables: `Dear {{first_name}}`. Every version is a row.

use std::{collections::BTreeMap, sync::LazyLock};

use engine::{
    enum_values::{EnumValue, enum_value},
    error::{Problem, Result},
    record::Record,
    row_scope::RowScope,
    scope::Scope,
    table::Table,
    value::Value,
    write::{
        IdempotentRequest, Unit, idempotency,
        row::alive,
        rules::{Check, Creating, DefaultValue, Delete, Hooks, Rules, field, server_managed},
    },
};
pub use entity::outreach::message_template::{Column, Entity};
use futures_util::future::BoxFuture;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use serde_json::{Value as Json, json};

use super::template_text::{PROSPECT_VARIABLES, filled, said_of, unknown, variables};
use crate::{
    crm::{company, prospect},
    offer::industry,
};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<Entity>("message_template")
            .scoped(RowScope::Organization)
            .counting_uses([Column::UsageCount])
    });
    &TABLE
}

/// Template types (`message_templates.template_type`).
pub const TYPES: &[EnumValue] = &[
    enum_value("subject", "The subject of a message."),
    enum_value("body", "The body of a message."),
    enum_value("icebreaker", "An opening line."),
    enum_value("hot_button", "A statement about what matters most to the recipient."),
];

/// Validation rules.
pub fn rules() -> &'static Rules {
    static RULES: Rules = Rules {
        table,
        create: Some("create"),
        update: true,
        delete: Delete::Hard,
        fields: &[
            field(Column::Name.name()).on_create().checked(Check::Filled),
            field(Column::TemplateType.name()).on_create().checked(Check::OneOf(TYPES)),
            field(Column::TemplateText.name()).checked(Check::Filled),
            field(Column::Variables.name())
                .checked(Check::List)
                .default_value(DefaultValue::Follows),
            field(Column::Locale.name()),
            field(Column::IsActive.name()).default_value(DefaultValue::Bool(true)),
            server_managed(Column::UsageCount.name(), DefaultValue::Int(0)),
            server_managed(Column::SuccessRate.name(), DefaultValue::Nothing),
            server_managed(Column::Version.name(), DefaultValue::Int(1)),
        ],
        links: &[],
        hooks: &Template,
    };
    &RULES
}

struct Template;

impl Hooks for Template {
    fn complete(
        &self,
        _: &Scope,
        before: Option<&Record>,
        template: &mut Record,
        problems: &mut Vec<Problem>,
    ) {
        let said = [Column::TemplateText, Column::Variables];
        let is_new = |before: &Record| {
            said.into_iter().any(|column| before.value(column) != template.value(column))
        };
        if before.is_some_and(|before| !is_new(before)) {
            return;
        }
        let used = match variables(template.text(Column::TemplateText)) {
            Ok(used) => used,
            Err(message) => {
                problems.push(Problem::invalid(
                    engine::Reason::TemplateInvalid,
                    "template_text",
                    message,
                ));
                return;
            }
        };
        let same = before.is_some_and(|before| {
            before.value(Column::Variables) == template.value(Column::Variables)
        });
        match template.value(Column::Variables) {
            Value::Json(Json::Array(told)) if !same => {
                let told: Vec<&str> = told.iter().filter_map(Json::as_str).collect();
                if let Some(missing) = used.iter().find(|name| !told.contains(&name.as_str())) {
                    let message = format!("undeclared variable `{missing}`; add it to `variables`");
                    problems.push(Problem::invalid(
                        engine::Reason::TemplateVariableUnknown,
                        "variables",
                        message,
                    ));
                }
            }
            Value::Null | Value::Json(_) => {
                let declared = match before.map(|before| before.value(Column::Variables)) {
                    Some(Value::Json(Json::Array(declared))) => declared.as_slice(),
                    _ => &[],
                };
                for name in used.iter().filter(|name| !PROSPECT_VARIABLES.contains(&name.as_str()))
                {
                    if declared.iter().all(|declared| declared.as_str() != Some(name)) {
                        problems.push(Problem::invalid(
                            engine::Reason::TemplateVariableUnknown,
                            "template_text",
                            unknown(name),
                        ));
                    }
                }
                template.set(Column::Variables, Value::Json(json!(used)));
            }
            _ => {}
        }
    }

    fn creating(&self) -> Option<Creating> {
        Some(|unit, template| Box::pin(become_newest(unit, template)))
    }

    fn update<'u>(
        &'u self,
        unit: &'u mut Unit,
        before: Record,
        mut after: Record,
    ) -> BoxFuture<'u, Result<Record>> {
        Box::pin(async move {
            let text = [Column::TemplateText, Column::Variables, Column::Locale];
            if text.into_iter().any(|column| before.value(column) != after.value(column)) {
                let mut next = Record::new(table());
                for rule in rules().fields {
                    next.copy(rule.column, &after);
                }
                next.set(Column::UsageCount, Value::Int(0));
                next.set(Column::SuccessRate, Value::Null);
                become_newest(unit, &mut next).await?;
                return unit.insert(next).await;
            }
            if *after.value(Column::IsActive) == Value::Bool(true) {
                unit.advisory_lock(table(), &slot(&after)).await?;
                retire(unit, &after).await?;
                // Another transaction may have retired this version in the meantime.
                after.set(Column::IsActive, Value::Bool(true));
            }
            unit.update(&before, after).await
        })
    }
}

/// Key of a set of versions, at most one of which is active.
fn slot(template: &Record) -> String {
    format!("{}\0{}", template.text(Column::Name), template.text(Column::TemplateType))
}

/// The stored versions with the name and type of a template.
fn versions(unit: &Unit, template: &Record) -> Select<Entity> {
    unit.scope()
        .select::<Entity>()
        .filter(Column::Name.eq(template.text(Column::Name)))
        .filter(Column::TemplateType.eq(template.text(Column::TemplateType)))
}

/// Assigns the next version number for its name and type to a new row, and retires the active version.
async fn become_newest(unit: &mut Unit, template: &mut Record) -> Result<()> {
    unit.advisory_lock(table(), &slot(template)).await?;
    let newest = versions(unit, template).select_only().column_as(Column::Version.max(), "version");
    let newest = unit.tuple::<Option<i32>, _>(newest).await?.flatten().unwrap_or_default();
    template.set(Column::Version, Value::Int(i64::from(newest) + 1));
    if *template.value(Column::IsActive) == Value::Bool(true) {
        retire(unit, template).await?;
    }
    Ok(())
}

/// Retires all other versions with the same name and type.
async fn retire(unit: &mut Unit, template: &Record) -> Result<()> {
    let others = versions(unit, template)
        .filter(Column::IsActive.eq(true))
        .filter(Column::Id.ne(template.id()))
        .order_by_asc(Column::Id);
    for id in unit.tuples(&others.select_only().column(Column::Id)).await? {
        let Some(before) = unit.find(table(), id).await? else { continue };
        let mut after = before.clone();
        after.set(Column::IsActive, Value::Bool(false));
        unit.update(&before, after).await?;
    }
    Ok(())
}

/// A rendered template.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Rendered {
    /// Primary key of the template.
    pub template: i64,
    /// Rendered text.
    pub text: String,
}

/// Renders a template with the data of a prospect and additional variables, and increments its usage count.
///
/// # Errors
/// [`engine::Error::Refused`] if the template or prospect doesn't exist, or if a variable has no value.
pub async fn render(
    scope: &Scope,
    template: i64,
    prospect: Option<i64>,
    told: BTreeMap<String, String>,
    once: Option<IdempotentRequest>,
) -> Result<Rendered> {
    idempotency::run(scope, once, move |unit| {
        Box::pin(async move {
            let mut values = match prospect {
                Some(id) => {
                    let person = unit.referred(prospect::table(), id).await?;
                    let person =
                        person.ok_or_else(|| Problem::not_found("prospect_id", "prospect"))?;
                    alive(&person, "prospect_id")?;
                    of_prospect(unit, &person).await?
                }
                None => BTreeMap::new(),
            };
            values.extend(told);
            let before = unit.get(table(), template, "id").await?;
            let text = filled(before.text(Column::TemplateText), &values).map_err(|missing| {
                let message =
                    format!("missing values for the template variables {}", missing.join(", "));
                Problem::invalid(engine::Reason::TemplateVariableMissing, "variables", message)
            })?;
            used(unit, &before).await?;
            Ok(Rendered { template, text })
        })
    })
    .await
}

/// Increments the usage count of a template.
async fn used(unit: &mut Unit, before: &Record) -> Result<()> {
    let mut after = before.clone();
    let count = before.number(Column::UsageCount).unwrap_or_default() + 1;
    after.set(Column::UsageCount, Value::Int(count));
    unit.update(before, after).await?;
    Ok(())
}

/// Template variables of a prospect; only the row of the prospect has been read so far.
async fn of_prospect(unit: &mut Unit, person: &Record) -> Result<BTreeMap<String, String>> {
    let company = person.key(prospect::Column::CompanyId)?;
    let company = unit.peek(company::table(), company).await?;
    let industry = company.as_ref().and_then(|company| company.number(company::Column::IndustryId));
    let industry = match industry {
        Some(id) => unit.peek(industry::table(), id).await?,
        None => None,
    };
    Ok(said_of(person, company.as_ref(), industry.as_ref()))
}

/// Reply counts of templates, by primary key: the number of sent drafts created from the template, and how many of
/// them got a reply.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database doesn't respond.
pub async fn answered(
    scope: &Scope,
    templates: &[i64],
) -> Result<std::collections::HashMap<i64, (i64, i64)>> {
    let mut binds = vec![scope.organization().into()];
    let among = scope.engine().among(templates, &mut binds);
    let sql = format!(
        "SELECT \"message_template_id\", count(*), count(CASE WHEN \"status\" = 'replied' THEN 1 END) \
         FROM \"outreach_drafts\" WHERE {}\"organization_id\" = {{}} AND \"message_template_id\" {among} \
         AND \"sent_at\" IS NOT NULL GROUP BY \"message_template_id\"",
        scope.engine().not_by()
    );
    let mut found = std::collections::HashMap::new();
    for row in &scope.store().query(&sql, binds).await? {
        let counts = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        found.insert(row.try_get_by_index(0)?, counts);
    }
    Ok(found)
}
