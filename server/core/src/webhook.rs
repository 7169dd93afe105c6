//! Webhooks: programs are told of alerts, in the form of the Standard Webhooks specification 1.0.0.
//!
//! A message is written down in the transaction of what it tells of, for each webhook; the courier posts it, tries again with a growing
//! pause, and notes every try. Whoever takes messages shows by their signature that they came from here.

mod courier;
mod message;
mod secret;
mod service;

pub use courier::{Courier, Posted, WebhookCarrier, WebhookCarryError};
pub use message::{Event, Message, Signed};
pub use secret::WebhookSecret;
pub use service::{WebhookError, WebhookForm, WebhookService, WebhookView};
