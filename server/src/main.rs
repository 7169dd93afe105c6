//! The `latchkey` command.

use clap::{Parser, Subcommand};
use latchkey_core::{
    Ports, Services,
    account::{PlainPassword, SignUp, SignUpError},
    audit::Verified,
    clock::SystemClock,
    random::SystemRandom,
    second_factor::SecondFactorError,
};
use server::{
    config::{Config, Given},
    data_folder, doctor,
    sample_app::{self, SampleAppArgs},
    scan::{ScanArgs, scan},
    serve::{open_database, outside_ports, serve, settings_of},
    telemetry,
};
use std::{io::BufRead, path::PathBuf, process::ExitCode, sync::Arc};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The front desk of an HTTP API: keys for every environment, and a reason for every refusal.
#[derive(Parser)]
#[command(name = "latchkey", version, arg_required_else_help = true)]
struct Command {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Run the portal and the API
    Serve(SettingsArgs),
    /// Bring the database up to date and stop
    Migrate(SettingsArgs),
    /// Manage admins
    Admin {
        #[command(subcommand)]
        action: AdminAction,
    },
    /// Look after the audit log
    Audit {
        #[command(subcommand)]
        action: AuditAction,
    },
    /// Check the configuration, the data folder, the database and the address
    Doctor(SettingsArgs),
    /// Run a small app of somebody else's that signs people in by this server, and shows how
    SampleApp(SampleAppArgs),
    /// Look for keys of Latchkey in files and folders
    Scan(ScanArgs),
}

#[derive(Subcommand)]
enum AdminAction {
    /// Make an admin's account; the password is read from standard input
    Create {
        /// The e-mail address to sign in with
        #[arg(long)]
        email: String,
        /// What the admin is called
        #[arg(long)]
        name: String,
        #[command(flatten)]
        settings: SettingsArgs,
    },
    /// Remove every second factor of somebody who has lost all of them; make sure first that it is them
    RemoveFactors {
        /// The e-mail address that they sign in with
        #[arg(long)]
        email: String,
        #[command(flatten)]
        settings: SettingsArgs,
    },
}

#[derive(Subcommand)]
enum AuditAction {
    /// Find out whether any event was changed, added or removed since it was written
    Verify(SettingsArgs),
}

#[derive(clap::Args)]
struct SettingsArgs {
    /// File with settings, in TOML
    #[arg(long, env = "LATCHKEY_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    given: Given,
}

type Outcome = Result<(), Box<dyn std::error::Error>>;

impl SettingsArgs {
    fn load(self) -> Result<Config, Box<dyn std::error::Error>> {
        Ok(Config::new(self.given.or_file(self.config.as_deref())?)?)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Command::parse().action {
        Action::Serve(settings) => run_serve(settings).await,
        Action::Migrate(settings) => run_migrate(settings).await,
        Action::Admin { action: AdminAction::Create { email, name, settings } } => {
            Box::pin(run_admin_create(&email, &name, settings)).await
        }
        Action::Admin { action: AdminAction::RemoveFactors { email, settings } } => {
            Box::pin(run_remove_factors(&email, settings)).await
        }
        Action::Audit { action: AuditAction::Verify(settings) } => Box::pin(run_audit_verify(settings)).await,
        Action::Doctor(settings) => run_doctor(settings).await,
        Action::SampleApp(args) => sample_app::run(args).await.map_err(Into::into),
        // Its exit status says what it found.
        Action::Scan(args) => return scan(&args, &mut std::io::stdout().lock(), &mut std::io::stderr().lock()).into(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("latchkey: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run_serve(settings: SettingsArgs) -> Outcome {
    let config = settings.load()?;
    let traces = telemetry::start_with_traces(&config)?;
    let outcome = serve(config).await;
    if let Some(traces) = traces {
        traces.finish().await;
    }
    Ok(outcome?)
}

async fn run_migrate(settings: SettingsArgs) -> Outcome {
    let config = settings.load()?;
    telemetry::start(&config);
    data_folder::prepare(&config.data)?;
    open_database(&config).await?;
    Ok(())
}

async fn run_doctor(settings: SettingsArgs) -> Outcome {
    let config = settings.load()?;
    let findings = doctor::examine(&config).await;
    let faults = findings.iter().filter(|finding| finding.result.is_err()).count();
    for finding in findings {
        let (mark, text) = match finding.result {
            Ok(text) => ("ok   ", text),
            Err(text) => ("FAULT", text),
        };
        eprintln!("{mark} {}: {text}", finding.what);
    }
    if faults == 0 { Ok(()) } else { Err(format!("{faults} to mend").into()) }
}

/// The rules, for what is done at the terminal.
async fn services(settings: SettingsArgs) -> Result<Services, Box<dyn std::error::Error>> {
    let config = settings.load()?;
    telemetry::start(&config);
    data_folder::prepare(&config.data)?;
    let store = open_database(&config).await?;
    let ports = Ports::new(Arc::new(store), Arc::new(SystemClock), Arc::new(SystemRandom));
    let key = config.secret_key.as_ref().map(|secret| secret.0.as_str());
    let master = data_folder::master_key(&config.data, key, &SystemRandom)?;
    Ok(Services::new(ports, &master, &settings_of(&config), &outside_ports(&config)?)?)
}

async fn run_audit_verify(settings: SettingsArgs) -> Outcome {
    let verified = services(settings).await?.audit.verify().await?;
    let Verified { chains, events, seals } = verified;
    eprintln!("The audit log is as it was written: {events} events in {chains} chains, {seals} seals.");
    Ok(())
}

async fn run_remove_factors(email: &str, settings: SettingsArgs) -> Outcome {
    match services(settings).await?.second_factors.remove_all(email).await {
        Ok(()) => {
            eprintln!("{email} signs in with the password alone now, was signed out everywhere, and is told so.");
            Ok(())
        }
        Err(SecondFactorError::NotFound) => Err(format!("{email} has no account here, or no second factor").into()),
        Err(error) => Err(error.into()),
    }
}

async fn run_admin_create(email: &str, name: &str, settings: SettingsArgs) -> Outcome {
    let services = services(settings).await?;
    eprintln!("Password for {email} (at least 15 characters), then Enter:");
    let mut typed = zeroize::Zeroizing::new(String::new());
    std::io::stdin().lock().read_line(&mut typed)?;
    let password = PlainPassword::new(typed.trim_end_matches(['\r', '\n']));
    match services.accounts.create_admin(SignUp { email, name, password }).await {
        Ok(account) => {
            eprintln!("{} can sign in as an admin.", account.email);
            Ok(())
        }
        Err(SignUpError::Invalid(errors)) => {
            let lines: Vec<_> = errors.iter().map(|(field, sentence)| format!("{field}: {sentence}")).collect();
            Err(lines.join("; ").into())
        }
        Err(error) => Err(error.into()),
    }
}
