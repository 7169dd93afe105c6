//! The wasm entry: brings the islands to life, nothing else.

use wasm_bindgen::prelude::wasm_bindgen;

// Named so that they are linked: islands are found by name in the page, never called from here.
#[expect(unused_imports, reason = "an island that nothing names is dropped by the linker")]
use app::islands::{CopyButton, TryIt};

/// Called by the script of each page once the wasm has arrived.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
