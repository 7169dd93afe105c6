//! What is done beside answering requests.

use crate::state::AppState;
use latchkey_core::{alert::AlertWatch, mail::Postman, openid::SignOuts, webhook::Courier};
use tokio::{task::JoinHandle, time::MissedTickBehavior};

/// Starts all of it.
pub(crate) fn start(state: &AppState) -> Vec<JoinHandle<()>> {
    vec![
        tokio::spawn(keep_house_for_ever(state.clone())),
        tokio::spawn(learn_of_blocks_for_ever(state.clone())),
        tokio::spawn(tell_of_sign_outs_for_ever(state.clone())),
        tokio::spawn(write_mails_for_ever(state.clone())),
        tokio::spawn(tell_of_keys_for_ever(state.clone())),
        tokio::spawn(look_for_alerts_for_ever(state.clone())),
        tokio::spawn(tell_webhooks_for_ever(state.clone())),
        tokio::spawn(state.authorities.clone().watch()),
    ]
}

/// Ends all of it, wherever it is: what was begun in a transaction is undone.
pub(crate) async fn end(working: Vec<JoinHandle<()>>) {
    for one in working {
        one.abort();
        let _ = one.await;
    }
}

/// Does every hour what the clock asks for, and in between looks whether single requests find room: a busy hour brings more of them than
/// the disk may have left.
async fn keep_house_for_ever(state: AppState) {
    let mut hour = tokio::time::interval(std::time::Duration::from_hours(1));
    let mut room = tokio::time::interval(std::time::Duration::from_mins(10));
    room.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            _ = hour.tick() => keep_house(&state).await,
            _ = room.tick() => {
                if let Err(error) = make_room(&state).await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "no room could be made for single requests");
                }
            }
        }
    }
}

async fn keep_house(state: &AppState) {
    if let Err(error) = prune(state).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "old rows could not be removed");
    }
    match state.services.housekeeping.remind().await {
        Ok(told) => tracing::debug!(told, "people were told of keys that end soon"),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "people could not be told of keys that end soon");
        }
    }
    if let Err(error) = state.services.audit.seal_heads().await {
        tracing::warn!(error = &error as &dyn std::error::Error, "the audit log could not be sealed");
    }
    if let Err(error) = state.services.signing_keys.keep_house().await {
        tracing::warn!(error = &error as &dyn std::error::Error, "signing keys could not be looked after");
    }
    match state.services.housekeeping.disable_idle().await {
        Ok(disabled) => tracing::debug!(disabled, "idle keys were switched off"),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "idle keys could not be switched off");
        }
    }
}

/// Learns now and then who is kept out: word of it from another node may have been missed.
async fn learn_of_blocks_for_ever(state: AppState) {
    let mut minute = tokio::time::interval(std::time::Duration::from_mins(1));
    loop {
        minute.tick().await;
        let now = state.services.ports.now();
        if let Err(error) = state.services.memories.blocks.load(now).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "who is kept out could not be read anew");
        }
    }
}

/// Tells apps of sign-outs, as soon as there are some, and again where that failed.
async fn tell_of_sign_outs_for_ever(state: AppState) {
    let sign_outs = &state.services.sign_outs;
    loop {
        if let Err(error) = sign_outs.deliver().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "apps could not be told of sign-outs");
        }
        tokio::select! {
            () = sign_outs.woken() => {}
            () = tokio::time::sleep(SignOuts::PAUSE) => {}
        }
    }
}

/// Sends mails, as soon as there are some, and again where that failed.
async fn write_mails_for_ever(state: AppState) {
    let postman = &state.services.postman;
    loop {
        if let Err(error) = state.services.mailed_links.answer().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "links could not be mailed");
        }
        if let Err(error) = postman.deliver().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "mails could not be sent");
        }
        tokio::select! {
            () = postman.woken() => {}
            () = tokio::time::sleep(Postman::PAUSE) => {}
        }
    }
}

/// Looks every minute for what teams and admins want to hear of.
async fn look_for_alerts_for_ever(state: AppState) {
    let mut pause = tokio::time::interval(AlertWatch::PAUSE);
    loop {
        pause.tick().await;
        match state.services.alert_watch.look().await {
            Ok(raised) => tracing::debug!(raised, "alerts were looked for"),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "alerts could not be looked for");
            }
        }
    }
}

/// Tells webhooks of alerts, as soon as there are some, and again where that failed.
async fn tell_webhooks_for_ever(state: AppState) {
    let courier = &state.services.courier;
    loop {
        if let Err(error) = courier.deliver().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "webhooks could not be told");
        }
        tokio::select! {
            () = courier.woken() => {}
            () = tokio::time::sleep(Courier::PAUSE) => {}
        }
    }
}

/// Tells people that their key was sent where others can read it, as soon as that is written down, and again where that failed.
async fn tell_of_keys_for_ever(state: AppState) {
    const PAUSE: std::time::Duration = std::time::Duration::from_mins(10);
    loop {
        if let Err(error) = state.services.housekeeping.tell_exposed().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "people could not be told of exposed keys");
        }
        if let Err(error) = state.services.housekeeping.tell_of_limits(state.recorder.near_limits()).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "people could not be told of limits that are near"
            );
        }
        tokio::select! {
            () = state.recorder.to_tell() => {}
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

/// Removes what is past its time.
///
/// # Errors
/// When the store fails.
pub async fn prune(state: &AppState) -> Result<(), latchkey_core::port::StoreError> {
    let pruned = state.services.retention.prune().await?;
    tell_of_no_room(pruned.over_budget);
    tracing::debug!(
        requests = pruned.requests,
        counts = pruned.counts,
        others = pruned.others,
        longest_batch_ms = pruned.longest.as_millis(),
        "old rows were removed"
    );
    Ok(())
}

/// Removes single requests beyond their room.
///
/// # Errors
/// When the store fails.
pub async fn make_room(state: &AppState) -> Result<(), latchkey_core::port::StoreError> {
    tell_of_no_room(state.services.retention.make_room().await?);
    Ok(())
}

fn tell_of_no_room(rows: u64) {
    if rows > 0 {
        tracing::warn!(
            rows,
            "rows of single requests found no room and were removed before their time: set log_megabytes higher, or keep them for fewer days"
        );
    }
}
