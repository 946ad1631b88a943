//! Recommended solutions for prospects.

use std::collections::HashMap;

use engine::{
    error::Result,
    scope::Scope,
    value::{Kind, Value},
};
use serde_json::Value as Json;

/// Maximum number of solutions per prospect.
const MAX_RECOMMENDATIONS: usize = 10;

/// The recommended solutions for each of these prospects, best first: those that the newest research lists by ID or
/// name or, if it lists no existing solution, those that suit the industry of the company, sorted by name. Executes at
/// most three statements.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database doesn't respond.
pub async fn of_prospects(scope: &Scope, keys: &[i64]) -> Result<HashMap<i64, Vec<i64>>> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let engine = scope.store().engine();
    let not_by = engine.not_by();
    let mut binds = Vec::new();
    let among = engine.among(keys, &mut binds);
    binds.push(scope.organization().into());
    // The newest research of each prospect by creation time, like `latestResearch`.
    let sql = format!(
        "SELECT p.\"id\", c.\"industry_id\", (SELECT r.\"recommended_solutions\" FROM \"prospect_research\" r \
         WHERE r.\"prospect_id\" = p.\"id\" ORDER BY r.\"created_at\" DESC, r.\"id\" DESC LIMIT 1) \
         FROM \"prospects\" p JOIN \"companies\" c ON c.\"id\" = p.\"company_id\" \
         WHERE p.\"id\" {among} AND {not_by}p.\"organization_id\" = {{}}"
    );
    let rows = scope.store().query(&sql, binds).await?;
    let solutions = solutions(scope).await?;
    let (mut found, mut others) = (HashMap::new(), Vec::new());
    for row in &rows {
        let prospect: i64 = row.try_get_by_index(0)?;
        let named = match Value::read(row, 2, Kind::Json)? {
            Value::Json(Json::Array(named)) => named,
            _ => Vec::new(),
        };
        let mut known: Vec<i64> = Vec::new();
        for name in &named {
            let id = match name {
                Json::Number(id) => {
                    id.as_i64().filter(|id| solutions.values().any(|one| one == id))
                }
                Json::String(name) => solutions.get(&name.to_lowercase()).copied(),
                _ => None,
            };
            known.extend(id.filter(|id| !known.contains(id)));
        }
        known.truncate(MAX_RECOMMENDATIONS);
        if known.is_empty() {
            others.push((prospect, row.try_get_by_index::<i64>(1)?));
        } else {
            found.insert(prospect, known);
        }
    }
    let suited = of_industries(scope, &others).await?;
    for (prospect, industry) in others {
        if let Some(solutions) = suited.get(&industry) {
            found.insert(prospect, solutions.clone());
        }
    }
    Ok(found)
}

/// The solutions of the organization, by lowercase name, by global ID and by primary key.
async fn solutions(scope: &Scope) -> Result<HashMap<String, i64>> {
    let sql = "SELECT \"id\", \"name\" FROM \"solutions\" WHERE \"organization_id\" = {} \
               ORDER BY \"id\" DESC";
    let rows = scope.store().query(sql, vec![scope.organization().into()]).await?;
    let mut solutions = HashMap::new();
    for row in &rows {
        let (id, name): (i64, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        solutions.insert(format!("solution:{id}"), id);
        solutions.insert(id.to_string(), id);
        // If several solutions have the same name, the oldest solution takes precedence.
        solutions.insert(name.to_lowercase(), id);
    }
    Ok(solutions)
}

async fn of_industries(scope: &Scope, of: &[(i64, i64)]) -> Result<HashMap<i64, Vec<i64>>> {
    let mut keys: Vec<i64> = of.iter().map(|(_, industry)| *industry).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut found: HashMap<i64, Vec<i64>> = HashMap::new();
    if keys.is_empty() {
        return Ok(found);
    }
    let mut binds = Vec::new();
    let among = scope.store().engine().among(&keys, &mut binds);
    binds.push(scope.organization().into());
    let name = scope.engine().folded("name").replacen("\"name\"", "s.\"name\"", 1);
    let sql = format!(
        "SELECT l.\"industry_id\", s.\"id\" FROM \"industry_solutions\" l \
         JOIN \"solutions\" s ON s.\"id\" = l.\"solution_id\" WHERE l.\"industry_id\" {among} \
         AND s.\"organization_id\" = {{}} ORDER BY l.\"industry_id\", {name}, s.\"id\""
    );
    for row in &scope.store().query(&sql, binds).await? {
        let all = found.entry(row.try_get_by_index(0)?).or_default();
        if all.len() < MAX_RECOMMENDATIONS {
            all.push(row.try_get_by_index(1)?);
        }
    }
    Ok(found)
}
