//! `latchkey doctor`: checks everything that `serve` needs, one line for each, before it is needed.

use crate::{
    config::{Config, UNNAMED_PROXY},
    data_folder,
    listeners::Listeners,
    serve::in_one_line,
};
use latchkey_core::random::SystemRandom;
use latchkey_storage::SeaStore;

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub what: &'static str,
    /// What is well, or what is wrong and what to do.
    pub result: Result<String, String>,
}

/// Looks at everything.
pub async fn examine(config: &Config) -> Vec<Finding> {
    let folder = data_folder::prepare(&config.data)
        .map(|()| format!("{} can be written to", config.data.display()))
        .map_err(|error| error.to_string());
    let key = config.secret_key.as_ref().map(|secret| secret.0.as_str());
    let secret = match &folder {
        Ok(_) => data_folder::master_key(&config.data, key, &SystemRandom)
            .map(|_| "can be used".to_owned())
            .map_err(|error| error.to_string()),
        Err(_) => Err("not looked at: it is in the data folder".to_owned()),
    };
    let port = Listeners::check(config).map(|()| addresses(config)).map_err(|error| error.to_string());
    vec![
        Finding { what: "settings", result: Ok(format!("people come to {}", config.public_url)) },
        Finding { what: "data folder", result: folder },
        Finding { what: "secret", result: secret },
        Finding { what: "database", result: database(config).await },
        Finding { what: "address", result: port },
        Finding { what: "transport", result: transport(config) },
    ]
}

fn addresses(config: &Config) -> String {
    let all =
        [Some(config.listen), config.tls_listen, config.mtls_listen, config.gateway_listen, config.metrics_listen];
    let socket = config.socket.as_ref().map(|path| path.display().to_string());
    let all: Vec<_> = all.into_iter().flatten().map(|address| address.to_string()).chain(socket).collect();
    format!("{} can be listened on", all.join(", "))
}

async fn database(config: &Config) -> Result<String, String> {
    let store = SeaStore::connect(&config.database_url.0).await.map_err(|error| in_one_line(&error))?;
    let state = migrations::state(store.writer()).await.map_err(|error| format!("cannot be read: {error}"))?;
    match state {
        migrations::State::Current => Ok("up to date".to_owned()),
        migrations::State::Behind(steps) => Ok(format!("{steps} steps behind: `latchkey serve` applies them")),
        migrations::State::Newer(step) => Err(format!(
            "made by a newer version of Latchkey (it has the step {step}): run that version, or restore a backup"
        )),
    }
}

fn transport(config: &Config) -> Result<String, String> {
    match (config.require_tls, config.listen.ip().is_loopback(), config.secure_cookies()) {
        _ if config.tls_listen.is_some() => Ok("TLS; plain HTTP leads to it and takes no credential".to_owned()),
        (false, false, _) => {
            Err("credentials are taken over plain HTTP from other machines: remove require_tls = false".to_owned())
        }
        (_, false, false) => Err(
            "listens beyond this machine and public_url is not https://: set tls_listen, or put a proxy with TLS before it and set trusted_proxies and public_url"
                .to_owned(),
        ),
        (_, _, true) if config.has_an_unnamed_proxy() => Ok(format!("cookies travel over TLS only; {UNNAMED_PROXY}")),
        (_, _, true) => Ok("TLS by a proxy; cookies travel over TLS only".to_owned()),
        (_, true, false) => Ok("this machine only".to_owned()),
    }
}
