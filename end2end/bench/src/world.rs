//! Who calls what from where in a filled log: the same for the same size, and uneven as it is in life.
//!
//! Everything is chosen by slots: what is common has many of them, what is rare has one. So a database can draw millions of rows by
//! itself, by joining a number with tables of slots.

use uuid::Uuid;

/// Slots of callers and of addresses.
pub(crate) const SLOTS: u32 = 65_536;
/// Slots of how a request ended, once for callers who are known and once for strangers.
pub(crate) const ENDS: u32 = 1_024;
/// Slots of routes, and of clients.
pub(crate) const ROUTES: u32 = 256;
/// One row in so many is the rare credential's, and one is of a path that nothing else has.
pub(crate) const RARE: u32 = 50_000;
/// Applications.
const APPLICATIONS: u32 = 200;
/// Of how many requests in a hundred nobody knows whose they are.
const STRANGERS: f64 = 3.0;

/// Bytes that follow from a number (splitmix64).
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// An id that follows from a number.
fn id(number: u64) -> Uuid {
    uuid::Builder::from_random_bytes(
        ((u128::from(mixed(number)) << 64) | u128::from(mixed(number ^ (1 << 60)))).to_be_bytes(),
    )
    .into_uuid()
}

/// An environment whose credentials call.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    pub(crate) team: Uuid,
    pub(crate) application: Uuid,
    pub(crate) environment: Uuid,
    pub(crate) kind: &'static str,
}

/// What calls, and its share of all calls.
#[derive(Debug, Clone)]
pub(crate) struct Credential {
    /// Its place among the owners.
    pub(crate) owner: usize,
    pub(crate) id: Uuid,
    pub(crate) hint: String,
    pub(crate) name: String,
    pub(crate) weight: f64,
}

/// What can be called.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    pub(crate) pattern: String,
    /// The path up to where a number follows, if one does.
    pub(crate) path: String,
    pub(crate) has_number: bool,
    pub(crate) status: u16,
}

/// How a request ended, otherwise than well.
pub(crate) struct End {
    pub(crate) status: Option<u16>,
    pub(crate) reason: Option<&'static str>,
    pub(crate) reported: Option<&'static str>,
    pub(crate) weight: f64,
}

const fn refused(status: u16, reason: &'static str, weight: f64) -> End {
    End { status: Some(status), reason: Some(reason), reported: None, weight }
}

/// A reason that is common, and one that is rare.
pub(crate) const REASONS: [&str; 2] = ["rate_limited", "rotated_out"];

/// How the requests of known callers end, in percent.
pub(crate) const KNOWN: [End; 12] = [
    End { status: None, reason: None, reported: None, weight: 92.4 },
    End { status: Some(404), reason: None, reported: None, weight: 1.6 },
    End { status: Some(500), reason: None, reported: None, weight: 0.3 },
    End { status: None, reason: None, reported: Some("address_not_allowed"), weight: 0.5 },
    refused(429, REASONS[0], 2.2),
    refused(403, "insufficient_scope", 1.0),
    refused(401, "expired", 0.8),
    refused(401, "revoked", 0.6),
    refused(403, "address_not_allowed", 0.2),
    refused(401, "wrong_environment", 0.2),
    refused(401, "disabled", 0.1),
    refused(401, REASONS[1], 0.1),
];

/// How those of strangers end.
pub(crate) const UNKNOWN: [End; 5] = [
    refused(401, "missing_credential", 40.0),
    refused(401, "unknown_key", 30.0),
    refused(401, "malformed", 15.0),
    refused(401, "bad_checksum", 10.0),
    refused(401, "unknown_scheme", 5.0),
];

/// What the owner of the benchmark has in this world: its own credentials are among those that call.
pub(crate) struct Ours {
    pub(crate) team: Uuid,
    pub(crate) application: Uuid,
    /// Production, staging, development.
    pub(crate) environments: [Uuid; 3],
    /// The busiest, with its hint.
    pub(crate) key: (Uuid, String),
    /// The next, a client.
    pub(crate) client: (Uuid, String),
    /// One with few requests.
    pub(crate) rare: (Uuid, String),
}

/// Who calls what from where.
pub(crate) struct World {
    pub(crate) owners: Vec<Owner>,
    /// The last one is the rare one, which no slot leads to.
    pub(crate) credentials: Vec<Credential>,
    pub(crate) routes: Vec<Route>,
}

/// The share of what has this rank, by Zipf's law.
fn zipf(rank: u32) -> f64 {
    1.0 / f64::from(rank + 1)
}

impl World {
    /// The world that this owner is in.
    pub(crate) fn new(ours: &Ours) -> Self {
        let (mut owners, mut credentials) = (Vec::new(), Vec::new());
        for application in 0..APPLICATIONS {
            let number = u64::from(application) << 24;
            // Teams have some applications each; the owner's has this one.
            let team = if application == 0 { ours.team } else { id(number >> 26 << 26 | 1) };
            for (kind, (name, part)) in
                [("production", 0.8), ("staging", 0.15), ("development", 0.05)].iter().enumerate()
            {
                let of_kind = number | (kind as u64 + 1) << 20;
                owners.push(Owner {
                    team,
                    application: if application == 0 { ours.application } else { id(number | 2) },
                    environment: if application == 0 { ours.environments[kind] } else { id(of_kind) },
                    kind: name,
                });
                let keys = 1 + 60 / (application + 1);
                let all: f64 = (0..keys).map(zipf).sum();
                for key in 0..keys {
                    let (id, hint) = match (application, kind, key) {
                        (0, 0, 0) => ours.key.clone(),
                        (0, 0, 1) => ours.client.clone(),
                        _ => {
                            let number = of_kind | u64::from(key + 1);
                            (id(number), format!("lk_{}_{:012x}…", &name[..3], mixed(number) >> 16))
                        }
                    };
                    credentials.push(Credential {
                        owner: owners.len() - 1,
                        id,
                        hint,
                        name: format!("Worker {application}-{key}"),
                        weight: zipf(application) * part * zipf(key) / all,
                    });
                }
            }
        }
        let (id, hint) = ours.rare.clone();
        credentials.push(Credential { owner: 0, id, hint, name: "Seldom".to_owned(), weight: 0.0 });
        Self { owners, credentials, routes: routes() }
    }

    /// Who has each slot: the place of a credential, or a stranger.
    pub(crate) fn callers(&self) -> Vec<Option<usize>> {
        let known: f64 = self.credentials.iter().map(|credential| credential.weight).sum();
        let strangers = known * STRANGERS / (100.0 - STRANGERS);
        let mut weights = vec![strangers];
        weights.extend(self.credentials.iter().map(|credential| credential.weight));
        shares(&weights, SLOTS).into_iter().map(|place| place.checked_sub(1)).collect()
    }

    /// The share of each credential, of strangers first.
    pub(crate) fn portions(&self) -> (f64, Vec<f64>) {
        let known: f64 = self.credentials.iter().map(|credential| credential.weight).sum();
        let strangers = STRANGERS / 100.0;
        let of_known = |credential: &Credential| credential.weight / known * (1.0 - strangers);
        (strangers, self.credentials.iter().map(of_known).collect())
    }
}

fn routes() -> Vec<Route> {
    let things = ["posts", "orders", "invoices", "customers", "products", "carts", "payments", "reports"];
    let mut routes = Vec::new();
    for thing in things {
        let (all, one) = (format!("/api/v1/{thing}"), format!("/api/v1/{thing}/{{id}}"));
        for (method, pattern, status) in
            [("GET", &one, 200), ("GET", &all, 200), ("POST", &all, 201), ("DELETE", &one, 204)]
        {
            let has_number = pattern == &one;
            let path = if has_number { format!("{all}/") } else { all.clone() };
            routes.push(Route { method, pattern: pattern.clone(), path, has_number, status });
        }
    }
    routes
}

/// The route that has a rank: the busiest first.
pub(crate) fn route_weight(rank: usize) -> f64 {
    u32::try_from(rank).map_or(0.0, zipf)
}

/// What each of so many slots leads to, by the weights.
pub(crate) fn shares(weights: &[f64], slots: u32) -> Vec<usize> {
    let all: f64 = weights.iter().sum();
    let (mut place, mut until) = (0, weights.first().copied().unwrap_or_default());
    (0..slots)
        .map(|slot| {
            let at = (f64::from(slot) + 0.5) / f64::from(slots) * all;
            while at > until && place + 1 < weights.len() {
                place += 1;
                until += weights[place];
            }
            place
        })
        .collect()
}

/// The address of each slot, with its network: the first come most often.
pub(crate) fn addresses() -> Vec<(String, String)> {
    const ADDRESSES: u32 = 20_000;
    let weights: Vec<_> = (0..ADDRESSES).map(zipf).collect();
    let mut places = shares(&weights, SLOTS - ADDRESSES);
    // The rarest would have none otherwise.
    places.extend((0..ADDRESSES).map(|place| place as usize));
    places.into_iter().map(|place| address(place as u64)).collect()
}

/// The address with this rank: many share a network, and one in eight is of the newer kind.
pub(crate) fn address(rank: u64) -> (String, String) {
    let (network, host) = (rank / 7, rank % 250 + 1);
    if network % 8 == 7 {
        return (format!("2001:db8:{network:x}::{host:x}"), format!("2001:db8:{network:x}::/48"));
    }
    let (high, low) = (16 + network / 256 % 100, network % 256);
    (format!("100.{high}.{low}.{host}"), format!("100.{high}.{low}.0/24"))
}

/// What clients call themselves, with weights; the first is common.
pub(crate) const CLIENTS: [(&str, f64); 8] = [
    ("curl/8.9.1", 20.0),
    ("python-requests/2.32.3", 25.0),
    ("okhttp/4.12.0", 18.0),
    ("axios/1.7.7", 15.0),
    ("Go-http-client/2.0", 10.0),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", 7.0),
    ("reqwest/0.12.9", 4.0),
    ("PostmanRuntime/7.42.0", 1.0),
];

/// What only the path of the rare row has.
pub(crate) const RARE_TEXT: &str = "quarterly-statement";

/// Every check of a request, as its row tells of them.
pub(crate) fn trace(reason: Option<&str>) -> String {
    let details = [
        "found in Authorization: Bearer",
        "well formed, the checksum matches",
        "Worker of the application Bookshelf",
        "does not expire",
        "production",
        "any address may use this key",
        "holds read:posts",
        "598 of 600/1m left, 5998 of 6000/1m of all keys together left",
    ];
    let names = ["credential", "format", "lookup", "lifetime", "environment", "address", "scope", "limit"];
    let failing = reason.map_or(names.len(), |reason| match reason {
        "missing_credential" | "unknown_scheme" => 0,
        "malformed" | "bad_checksum" => 1,
        "unknown_key" => 2,
        "insufficient_scope" => 6,
        "rate_limited" => 7,
        "address_not_allowed" => 5,
        "wrong_environment" => 4,
        _ => 3,
    });
    let steps: Vec<_> = names
        .iter()
        .zip(details)
        .enumerate()
        .map(|(place, (name, detail))| {
            let (outcome, detail) = match place {
                _ if place < failing => ("passed", detail),
                _ if place == failing => ("failed", "does not hold, which is why the request was refused"),
                _ => ("not_reached", "not reached"),
            };
            format!(r#"["{name}","{outcome}","{detail}"]"#)
        })
        .collect();
    format!("[{}]", steps.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_follow_weights() {
        assert_eq!(shares(&[1.0, 2.0, 1.0], 8), [0, 0, 1, 1, 1, 1, 2, 2]);
    }

    #[test]
    fn addresses_are_told_apart() {
        let all: std::collections::HashSet<_> = addresses().into_iter().collect();
        assert_eq!(all.len(), 20_000);
    }
}
