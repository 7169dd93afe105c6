//! The parts that pages are made of. No server calls, no URLs, no words of a feature.

mod badge;
mod chart;
mod code_sample;
mod data_table;
mod empty_state;
mod field;
mod form;
mod frame;
mod head;
mod icon;
mod last_use;
mod message;
mod qr_code;
mod secret_once;
mod time;
mod trace;

pub use badge::{Badge, EnvironmentBadge, Tone};
pub use chart::{Bar, Chart};
pub use code_sample::{CodeSample, Sample};
pub use data_table::DataTable;
pub use empty_state::EmptyState;
pub use field::{
    Checkbox, CheckboxGroups, CheckboxList, Choice, ChoiceGroup, Field, RadioList, ReasonInput, TextArea, options,
};
pub use form::{Form, SubmitButton};
pub use frame::{NavGroup, NavItem, PortalFrame, PublicFrame, Viewer};
pub use head::{Crumb, PageHead, Tab, Tabs};
pub use icon::{Icon, IconName};
pub use last_use::LastUse;
pub use message::{Banner, Message};
pub use qr_code::QrPicture;
pub use secret_once::SecretOnce;
pub use time::RelativeTime;
pub use trace::Trace;
