//! Time for people: "3 min ago", with the exact time on hover.

use leptos::prelude::*;
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

/// A time near now, in words; the exact UTC time is in the element.
#[component]
pub fn RelativeTime(at: OffsetDateTime, now: OffsetDateTime) -> impl IntoView {
    let at_second = at.replace_nanosecond(0).unwrap_or(at);
    let machine = at_second.format(&Rfc3339).unwrap_or_default();
    let exact =
        at_second.format(format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC")).unwrap_or_default();
    view! { <time datetime=machine title=exact>{in_words(at, now)}</time> }
}

fn in_words(at: OffsetDateTime, now: OffsetDateTime) -> String {
    let distance = now - at;
    let (distance, ahead) = if distance.is_negative() { (-distance, true) } else { (distance, false) };
    let amount = match distance {
        short if short < Duration::seconds(5) => return "now".to_owned(),
        short if short < Duration::minutes(1) => format!("{} s", short.whole_seconds()),
        short if short < Duration::hours(1) => format!("{} min", short.whole_minutes()),
        short if short < Duration::days(2) => format!("{} h", short.whole_hours()),
        short if short < Duration::days(60) => format!("{} days", short.whole_days()),
        _ => {
            let date = at.format(format_description!("[day padding:none] [month repr:short] [year]"));
            return date.unwrap_or_default();
        }
    };
    if ahead { format!("in {amount}") } else { format!("{amount} ago") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn near_times_in_words_and_far_ones_as_dates() {
        let now = datetime!(2026-11-23 12:00 UTC);
        for (back, words) in [
            (Duration::seconds(1), "now"),
            (Duration::seconds(59), "59 s ago"),
            (Duration::minutes(3), "3 min ago"),
            (Duration::hours(30), "30 h ago"),
            (Duration::days(30), "30 days ago"),
            (Duration::days(100), "15 Aug 2026"),
            (-Duration::minutes(61), "in 1 h"),
        ] {
            assert_eq!(in_words(now - back, now), words);
        }
    }
}
