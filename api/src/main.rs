//! The program; what it does is in [`api::cli`].

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
                Some(advice) => eprintln!("salesgraph: the database rejects this: {advice}"),
                None => eprintln!("salesgraph: {error}"),
            }
            // Whoever sits at the command line may see what lies behind.
            let mut cause = std::error::Error::source(&error);
            while let Some(error) = cause {
                eprintln!("  because: {error}");
                cause = error.source();
            }
            std::process::ExitCode::FAILURE
        }
    }
}
