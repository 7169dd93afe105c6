//! One folder for each capability: its pages, and the server functions of its forms.

pub mod account;
pub mod admin;
pub mod api_key;
pub mod application;
pub mod audit;
pub mod block;
pub mod design;
pub mod device;
pub mod docs;
pub mod gateway;
pub mod grant;
pub mod identity_provider;
pub mod landing;
pub mod lockout;
pub mod notice;
pub mod oauth_client;
pub mod overview;
pub mod personal_token;
pub mod request_log;
pub mod retention;
pub mod second_factor;
pub mod session;
pub mod signing_key;
pub mod team;
pub mod usage;
