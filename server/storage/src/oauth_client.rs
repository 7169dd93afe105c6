//! OAuth clients and service accounts, their secrets, and tokens that were revoked before their end.

mod read;
mod row;
mod write;

pub(crate) use read::client_by_id;
pub(crate) use row::clients_with_surroundings as find_clients;
