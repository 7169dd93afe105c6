//! `make bench`: one command, one table.
//!
//! The server runs in a process of its own, on one core, with a bare handler of the same binary beside it; the load comes from
//! another core. Scenarios take turns, and what counts is how each compares with the bare handler in the same round.
#![expect(clippy::print_stdout, reason = "the table is what it is for")]

mod browser;
mod figures;
mod fill;
mod keys;
mod machine;
mod person;
mod prune;
mod refresh;
mod run;
mod seed;
mod serve;
mod stalls;
mod usage;
mod world;

use clap::{Parser, Subcommand};
use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Measures Latchkey.
#[derive(Parser)]
#[command(name = "latchkey-bench", arg_required_else_help = true)]
struct Command {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Fill a data folder with keys and usage
    Seed {
        /// The folder
        #[arg(long)]
        data: PathBuf,
        /// How many keys
        #[arg(long, default_value_t = 1_000)]
        keys: u32,
        /// How many rows of usage
        #[arg(long, default_value_t = 0)]
        usage_rows: u64,
    },
    /// Make a service account in a data folder, and print its name and secret
    Machine {
        /// The folder
        #[arg(long)]
        data: PathBuf,
    },
    /// Serve a data folder, and a bare handler beside it
    Serve {
        #[command(flatten)]
        place: seed::Place,
        /// Where Latchkey listens
        #[arg(long)]
        listen: SocketAddr,
        /// Where it listens to proxies
        #[arg(long)]
        proxies: SocketAddr,
        /// Where the bare handler listens
        #[arg(long)]
        bare: SocketAddr,
    },
    /// Fill a database with single requests and counts, as months of calls leave them behind
    Fill {
        #[command(flatten)]
        place: seed::Place,
        #[command(flatten)]
        size: fill::Size,
    },
    /// Measure the pages of usage and logs, live logs and retention over a filled database, and print the table
    Figures(figures::Plan),
    /// Measure the usage page's question over what a data folder holds
    Usage {
        /// The folder
        #[arg(long)]
        data: PathBuf,
    },
    /// Measure refreshes: each is on the disk before it is answered
    Refresh {
        /// The folder
        #[arg(long)]
        data: PathBuf,
    },
    /// Say for how much of the time the core it runs on stands still
    Stalls,
    /// Run everything and print the table
    Run(run::Plan),
}

fn main() -> ExitCode {
    let outcome = match Command::parse().action {
        Action::Seed { data, keys, usage_rows } => runtime().and_then(|runtime| {
            runtime.block_on(seed::fill(&data, keys, usage_rows))?;
            Ok(())
        }),
        Action::Serve { place, listen, proxies, bare } => {
            runtime().and_then(|runtime| runtime.block_on(serve::serve(&place, listen, proxies, bare)))
        }
        Action::Fill { place, size } => runtime().and_then(|runtime| runtime.block_on(fill::fill(&place, size))),
        Action::Figures(plan) => runtime().and_then(|runtime| runtime.block_on(figures::measure(&plan))),
        Action::Machine { data } => runtime().and_then(|runtime| runtime.block_on(machine::make(&data))),
        Action::Usage { data } => runtime().and_then(|runtime| runtime.block_on(usage::measure(&data))),
        Action::Refresh { data } => runtime().and_then(|runtime| runtime.block_on(refresh::measure(&data))),
        Action::Stalls => {
            stalls::print();
            Ok(())
        }
        Action::Run(plan) => run::run(&plan),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("latchkey-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Box<dyn std::error::Error>> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}
