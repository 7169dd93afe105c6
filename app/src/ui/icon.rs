//! Pictures beside words: strokes on a 24-unit grid, in the manner of Lucide.

use leptos::prelude::*;

/// Which picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IconName {
    Alert,
    Book,
    Chart,
    Check,
    Cross,
    Grid,
    Key,
    List,
    Lock,
    Machine,
    Mail,
    Menu,
    Monitor,
    Pen,
    People,
    Person,
    Plug,
    Plus,
    Shield,
    SignOut,
    Sliders,
}

impl IconName {
    const fn path(self) -> &'static str {
        match self {
            Self::Alert => "M12 3 22 20H2Z M12 10v4 M12 17v.01",
            Self::Book => "M4 5a2 2 0 0 1 2-2h14v18H6a2 2 0 0 1-2-2Z M8 3v18",
            Self::Chart => "M4 4v16h16 M9 16v-5 M13 16V8 M17 16v-3",
            Self::Check => "M5 12.5 10 17 19 7",
            Self::Cross => "M6 6l12 12 M18 6 6 18",
            Self::Grid => "M4 4h7v7H4Z M13 4h7v7h-7Z M4 13h7v7H4Z M13 13h7v7h-7Z",
            Self::Key => "M12 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0Z M12 12h9v3.5 M17 12v2.5",
            Self::List => "M8 6h12 M8 12h12 M8 18h12 M4 6v.01 M4 12v.01 M4 18v.01",
            Self::Lock => "M5 11h14v10H5Z M8 11V8a4 4 0 0 1 8 0v3 M12 15v2",
            Self::Machine => "M5 9h14v10H5Z M12 9V5 M12 5v.01 M9 13v2 M15 13v2 M2 13v3 M22 13v3",
            Self::Mail => "M3 5h18v14H3Z M3 7l9 6 9-6",
            Self::Menu => "M4 7h16 M4 12h16 M4 17h16",
            Self::Monitor => "M3 4h18v12H3Z M8 20h8 M12 16v4",
            Self::Pen => "M4 20l1-4L16 5l3 3L8 19Z M14 7l3 3",
            Self::People => {
                "M13 8a4 4 0 1 1-8 0 4 4 0 0 1 8 0Z M2 21c1-4 3-6 7-6s6 2 7 6 M16 4a4 4 0 0 1 0 8 M18 15c2 1 3 3 4 6"
            }
            Self::Person => "M16 8a4 4 0 1 1-8 0 4 4 0 0 1 8 0Z M4 21c1-4 4-6 8-6s7 2 8 6",
            Self::Plug => "M9 3v5 M15 3v5 M6 8h12v4a6 6 0 0 1-12 0Z M12 18v4",
            Self::Plus => "M12 5v14 M5 12h14",
            Self::Shield => "M12 3 20 6v6c0 5-3.5 8-8 9-4.5-1-8-4-8-9V6Z M9 12l2 2 4-4",
            Self::SignOut => "M10 4H5v16h5 M14 8l4 4-4 4 M9 12h9",
            Self::Sliders => "M4 7h10 M18 7h2 M14 5v4 M4 17h2 M10 17h10 M6 15v4",
        }
    }
}

/// A picture that says nothing to those who hear the page: the word beside it does.
#[component]
pub fn Icon(name: IconName) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 24 24" width="18" height="18" aria-hidden="true" focusable="false">
            <path d=name.path()></path>
        </svg>
    }
}
