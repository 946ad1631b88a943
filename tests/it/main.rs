//! Tests of the product through its public interfaces. Each test runs on SQLite and on the Postgres server in
//! `SALESGRAPH_TEST_POSTGRES`. If the variable is not set, the Postgres tests are reported as ignored.

mod access;
mod accounts;
mod architecture;
mod cli;
mod connections;
mod demo;
mod dependencies;
mod enrichment;
mod examples;
mod export;
mod http;
mod imports;
mod keys;
mod language;
mod limits;
mod migration;
mod operations;
mod ownership;
mod personal_data;
mod protocol;
mod questions;
mod rate_limits;
mod read;
mod reasons;
mod replica;
mod restored_schema;
mod roots;
mod row_scope;
mod schema;
mod schema_growth;
mod search;
mod sockets;
mod sql_text;
mod subscriptions;
mod systems;
mod tenant;
mod timelines;
mod upgrade;
mod work_list;
mod write;

use libtest_mimic::{Arguments, Trial};
use tests::{App, Behaviour, Engine, database};

fn main() {
    let arguments = Arguments::from_args();
    // Prevents the commands under test from installing the program's logger. The tests check the returned errors.
    tracing::subscriber::set_global_default(tracing::subscriber::NoSubscriber::default()).ok();
    let postgres = database::postgres().is_some();
    let mut trials = Vec::new();
    for behaviour in behaviours() {
        trials.push(trial(&behaviour, Engine::Sqlite));
        trials.push(trial(&behaviour, Engine::Postgres).with_ignored_flag(!postgres));
    }
    for plain in plain() {
        let run = plain.run;
        trials.push(Trial::test(name(plain.name), move || {
            run();
            Ok(())
        }));
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    database::clean_up();
    if !postgres {
        eprintln!(
            "Postgres tests were skipped; set SALESGRAPH_TEST_POSTGRES to a server URL to run them."
        );
    }
    conclusion.exit();
}

fn trial(behaviour: &Behaviour, engine: Engine) -> Trial {
    let run = behaviour.run;
    let kind = if engine == Engine::Sqlite { "sqlite" } else { "postgres" };
    let test = move || {
        database::block_on(async {
            let app = App::new(engine).await;
            run(app).await;
        });
        Ok(())
    };
    Trial::test(name(behaviour.name), test).with_kind(kind)
}

fn name(path: &str) -> &str {
    path.trim_start_matches("it::")
}

#[expect(clippy::too_many_lines, reason = "a list")]
fn behaviours() -> Vec<Behaviour> {
    [
        access::behaviours(),
        accounts::behaviours(),
        cli::behaviours(),
        connections::behaviours(),
        demo::behaviours(),
        examples::behaviours(),
        export::behaviours(),
        http::behaviours(),
        enrichment::filled::behaviours(),
        enrichment::life::behaviours(),
        enrichment::limits::behaviours(),
        enrichment::local::behaviours(),
        enrichment::providers::behaviours(),
        enrichment::spending::behaviours(),
        enrichment::written::behaviours(),
        systems::enrichment::behaviours(),
        systems::enrichment::cells::behaviours(),
        systems::enrichment::queries::behaviours(),
        systems::enrichment::skipped::behaviours(),
        imports::bulk::behaviours(),
        imports::decided::behaviours(),
        imports::company_details::behaviours(),
        imports::deleted_companies::behaviours(),
        imports::erased::behaviours(),
        imports::undo::behaviours(),
        imports::upload::behaviours(),
        imports::cells::behaviours(),
        imports::people::behaviours(),
        imports::verdicts::behaviours(),
        imports::written::behaviours(),
        systems::sales_assistant::behaviours(),
        systems::sales_assistant::resume::behaviours(),
        systems::sales_assistant::skipped::behaviours(),
        keys::behaviours(),
        limits::behaviours(),
        migration::behaviours(),
        work_list::behaviours(),
        operations::behaviours(),
        ownership::behaviours(),
        row_scope::behaviours(),
        restored_schema::behaviours(),
        personal_data::behaviours(),
        protocol::behaviours(),
        questions::behaviours(),
        rate_limits::behaviours(),
        read::aggregates::behaviours(),
        read::distributions::behaviours(),
        read::filled_groups::behaviours(),
        read::groups::behaviours(),
        read::budget::behaviours(),
        read::cursors::behaviours(),
        read::deleted::behaviours(),
        read::filters::behaviours(),
        read::known::behaviours(),
        read::lists::behaviours(),
        read::order::behaviours(),
        read::plans::behaviours(),
        read::ranks::behaviours(),
        read::selections::behaviours(),
        read::specification::behaviours(),
        read::time_zones::behaviours(),
        reasons::behaviours(),
        replica::behaviours(),
        search::answers::behaviours(),
        search::kept::behaviours(),
        search::words::behaviours(),
        sockets::behaviours(),
        subscriptions::batches::behaviours(),
        subscriptions::everything::behaviours(),
        subscriptions::feed::behaviours(),
        subscriptions::fragments::behaviours(),
        subscriptions::matches::behaviours(),
        subscriptions::wire::behaviours(),
        tenant::behaviours(),
        timelines::behaviours(),
        upgrade::behaviours(),
        write::acts::behaviours(),
        write::approvals::behaviours(),
        write::batches::behaviours(),
        write::claims::behaviours(),
        write::cost::behaviours(),
        write::draft_batches::behaviours(),
        write::drafts::behaviours(),
        write::duplicates::behaviours(),
        write::log::behaviours(),
        write::merges::behaviours(),
        write::moves::behaviours(),
        write::nested_rows::behaviours(),
        write::reverts::behaviours(),
        write::names::behaviours(),
        write::once::behaviours(),
        write::opt_outs::behaviours(),
        write::plain::behaviours(),
        write::refusals::behaviours(),
        write::replay::behaviours(),
        write::single::behaviours(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn plain() -> Vec<tests::Plain> {
    [
        architecture::plain(),
        sql_text::plain(),
        dependencies::plain(),
        cli::plain(),
        language::plain(),
        imports::files::plain(),
        roots::plain(),
        schema::plain(),
        schema_growth::plain(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
