//! The program; what it does is in [`api::cli`].

use clap::Parser;

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let program = api::cli::Program::parse();
    match program.run().await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("salesgraph: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}
