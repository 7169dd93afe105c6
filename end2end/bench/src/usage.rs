//! The usage page's question: how long the store and the rules take to answer it.

use crate::{
    browser::ZONE,
    seed::{Place, open, usage_rows},
};
use latchkey_core::usage::report::{Range, TimeZone, UsageOf};
use latchkey_model::Environment;
use std::{path::Path, time::Instant};

/// Asks for each range several times, and prints the median.
pub(crate) async fn measure(data: &Path) -> Result<(), Box<dyn std::error::Error>> {
    const TIMES: usize = 9;
    let seeded = Box::pin(open(&Place::folder(data))).await?;
    let actor = seeded.actor();
    let zone = TimeZone::get(ZONE)?;
    let of = UsageOf::Environment(seeded.application, Environment::Production);
    println!("usage page over {} rows:", usage_rows(&seeded).await?);
    for range in Range::ALL {
        let mut took = Vec::new();
        let mut requests = 0;
        for _ in 0..TIMES {
            let began = Instant::now();
            let usage = seeded.services.usage.usage(&actor, of, range, &zone).await?;
            took.push(began.elapsed());
            requests = usage.requests;
        }
        took.sort_unstable();
        println!("  {:>9}: {:>7.1} ms for {requests} requests", range.label(), took[TIMES / 2].as_secs_f64() * 1_000.0);
    }
    Ok(())
}
