//! Letting an app act that runs on a device where nobody can sign in.

mod device_page;

pub use device_page::{AnswerDevice, DevicePage, FindDevice};
