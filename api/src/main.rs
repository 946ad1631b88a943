//! The program; its commands are in [`api::cli`].

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let program = api::cli::Program::parse();
    match program.run().await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            match error.advice() {
                Some(advice) => eprintln!("salesgraph: rejected by the database: {advice}"),
                None => eprintln!("salesgraph: {error}"),
            }
            // Command line users may see internal causes.
            let mut cause = std::error::Error::source(&error);
            while let Some(error) = cause {
                eprintln!("  caused by: {error}");
                cause = error.source();
            }
            std::process::ExitCode::FAILURE
        }
    }
}
