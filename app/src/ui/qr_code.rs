//! A text as a picture that phones read.

use leptos::prelude::*;
use qrcode::{Color, EcLevel, QrCode};
use std::fmt::Write;

/// The picture, dark on white in either theme, with the margin that readers need (ISO/IEC 18004 section 6.3.8). Nothing, where the
/// text is too long for one.
#[component]
pub fn QrPicture(text: String, #[prop(into)] label: String) -> impl IntoView {
    const MARGIN: usize = 4;
    QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M).ok().map(|code| {
        let width = code.width();
        let mut path = String::new();
        for (index, color) in code.to_colors().into_iter().enumerate() {
            if color == Color::Dark {
                // Writing to a string does not fail.
                let _ = write!(path, "M{} {}h1v1h-1z", index % width + MARGIN, index / width + MARGIN);
            }
        }
        let side = width + 2 * MARGIN;
        view! {
            <svg class="qr" viewBox=format!("0 0 {side} {side}") role="img" aria-label=label shape-rendering="crispEdges">
                <rect width=side height=side fill="#ffffff"></rect>
                <path d=path fill="#000000"></path>
            </svg>
        }
    })
}
