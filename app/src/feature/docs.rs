//! The guide: one page for each thing that a reader wants to do, written in Markdown beside this crate.

use crate::{
    page::{Page, PageError, page, param},
    route,
    ssr::{portal, services},
    ui::{Crumb, PageHead},
};
use leptos::prelude::*;
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// One page of the guide.
struct Guide {
    name: &'static str,
    title: &'static str,
    summary: &'static str,
    text: &'static str,
}

const GUIDES: [Guide; 12] = [
    Guide {
        name: "first-key",
        title: "Your first key",
        summary: "From an account to an answered call, in a minute.",
        text: include_str!("../../guides/first-key.md"),
    },
    Guide {
        name: "keys",
        title: "API keys",
        summary: "How a key is written, where it is good, how it ends.",
        text: include_str!("../../guides/keys.md"),
    },
    Guide {
        name: "oauth",
        title: "Tokens for apps and machines",
        summary: "Service accounts, apps that act for people, and what each must send.",
        text: include_str!("../../guides/oauth.md"),
    },
    Guide {
        name: "sign-in",
        title: "Signing in",
        summary: "Your password, a second factor, other providers, and what happens when it does not work.",
        text: include_str!("../../guides/sign-in.md"),
    },
    Guide {
        name: "teams",
        title: "Teams",
        summary: "Who shares what, inviting others, and what stays when somebody leaves.",
        text: include_str!("../../guides/teams.md"),
    },
    Guide {
        name: "leaks",
        title: "Leaked keys",
        summary: "Report a key you found, look for your own, and what happens then.",
        text: include_str!("../../guides/leaks.md"),
    },
    Guide {
        name: "demo-api",
        title: "The demo API",
        summary: "Every endpoint, with a call to copy.",
        text: include_str!("../../guides/demo-api.md"),
    },
    Guide {
        name: "gateway",
        title: "Your own API behind the door",
        summary: "A proxy asks, or your code does: the same keys, tokens, limits and logs.",
        text: include_str!("../../guides/gateway.md"),
    },
    Guide {
        name: "errors",
        title: "Errors",
        summary: "What each refusal means, and what to do.",
        text: include_str!("../../guides/errors.md"),
    },
    Guide {
        name: "usage-and-logs",
        title: "Usage and logs",
        summary: "What your keys did, and why a call was refused.",
        text: include_str!("../../guides/usage-and-logs.md"),
    },
    Guide {
        name: "alerts",
        title: "Alerts and webhooks",
        summary: "What you hear of while it happens, and how programs hear it.",
        text: include_str!("../../guides/alerts.md"),
    },
    Guide {
        name: "operating",
        title: "Running Latchkey",
        summary: "Configuration, data, health, and the first admin.",
        text: include_str!("../../guides/operating.md"),
    },
];

/// The list of guides.
#[component]
pub fn DocsPage() -> impl IntoView {
    page(async {
        let cards = GUIDES
            .iter()
            .map(|guide| {
                view! {
                    <li class="card">
                        <h2><a href=route::guide(guide.name)>{guide.title}</a></h2>
                        <p>{guide.summary}</p>
                    </li>
                }
            })
            .collect_view();
        let body = view! {
            <PageHead title="Guide" explanation="Short pages, each about one thing."/>
            <ul class="cards">{cards}</ul>
        };
        Ok(Page::public("Guide", body))
    })
}

/// One guide.
#[component]
pub fn GuidePage() -> impl IntoView {
    page(async {
        let name: String = param("guide")?;
        let guide = GUIDES.iter().find(|guide| guide.name == name).ok_or(PageError::NotFound)?;
        let crumbs = vec![Crumb { label: "Guide".to_owned(), href: Some(route::DOCS.to_owned()) }];
        let shortest = services().accounts.shortest_password().to_string();
        let text =
            with_files(guide.text).replace("{{url}}", &portal().public_url).replace("{{password_length}}", &shortest);
        let text = drawn(&text);
        let body = view! {
            <PageHead title=guide.title explanation=guide.summary crumbs/>
            <article class="prose" inner_html=text></article>
        };
        Ok(Page::public(guide.title, body))
    })
}

/// Files that a guide shows whole: they are tried as they are.
const FILES: [(&str, &str); 6] = [
    ("{{nginx.conf}}", include_str!("../../guides/gateway/nginx.conf")),
    ("{{Caddyfile}}", include_str!("../../guides/gateway/Caddyfile")),
    ("{{haproxy.cfg}}", include_str!("../../guides/gateway/haproxy.cfg")),
    ("{{latchkey.lua}}", include_str!("../../guides/gateway/latchkey.lua")),
    ("{{traefik.yml}}", include_str!("../../guides/gateway/traefik.yml")),
    ("{{envoy.yaml}}", include_str!("../../guides/gateway/envoy.yaml")),
];

fn with_files(guide: &str) -> String {
    FILES.iter().fold(guide.to_owned(), |text, (name, file)| text.replace(name, file.trim_end()))
}

/// Draws Markdown of ours, with an id at each heading so that errors can link to theirs, and code and tables that scroll by
/// themselves.
fn drawn(markdown: &str) -> String {
    let mut heading = String::new();
    let mut in_heading = None::<HeadingLevel>;
    let mut events = Vec::new();
    // Those who hear the page tell its scrolling parts apart by number.
    let (mut tables, mut examples) = (0, 0);
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                in_heading = Some(level);
                heading.clear();
            }
            Event::End(TagEnd::Heading(level)) => {
                in_heading = None;
                let id: String = heading.to_lowercase().replace(' ', "-");
                let mut text = String::new();
                html::push_html(&mut text, std::iter::once(Event::Text(heading.clone().into())));
                events.push(Event::Html(format!("<{level} id=\"{id}\">{text}</{level}>\n").into()));
            }
            Event::Text(text) | Event::Code(text) if in_heading.is_some() => heading.push_str(&text),
            Event::Start(Tag::Table(kinds)) => {
                tables += 1;
                events.push(scrolling("div class=\"table-scroll\"", &format!("Table {tables}")));
                events.push(Event::Start(Tag::Table(kinds)));
            }
            Event::End(TagEnd::Table) => {
                events.push(Event::End(TagEnd::Table));
                events.push(Event::Html("</div>".into()));
            }
            Event::Start(Tag::CodeBlock(_)) => {
                examples += 1;
                events.push(scrolling("pre", &format!("Example {examples}")));
                events.push(Event::Html("<code>".into()));
            }
            Event::End(TagEnd::CodeBlock) => events.push(Event::Html("</code></pre>".into())),
            other => events.push(other),
        }
    }
    let mut text = String::new();
    html::push_html(&mut text, events.into_iter());
    text
}

/// Opens an element that scrolls by itself: by keyboard too, with a name for those who hear it.
fn scrolling(element: &str, name: &str) -> Event<'static> {
    Event::Html(format!("<{element} tabindex=\"0\" role=\"region\" aria-label=\"{name}\">").into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey_core::{authn::Refusal, problem::ProblemCode};

    #[test]
    fn headings_can_be_linked_to_and_code_is_escaped() {
        let text = drawn("## `invalid_token`\n\n```\n<script>\n```\n");
        assert!(text.contains("<h2 id=\"invalid_token\">invalid_token</h2>"), "{text}");
        assert!(text.contains("&lt;script&gt;"), "{text}");
    }

    #[test]
    fn every_file_is_in_a_guide_and_every_mark_is_a_files() {
        let all: String = GUIDES
            .iter()
            .map(|guide| with_files(guide.text).replace("{{url}}", "").replace("{{password_length}}", ""))
            .collect();
        assert!(FILES.iter().all(|(_, file)| all.contains(file.trim_end())));
        assert!(!all.contains("{{"), "a mark stands for nothing");
    }

    #[test]
    fn the_errors_guide_has_a_section_for_each_code_and_for_nothing_else() {
        let text = include_str!("../../guides/errors.md");
        let page = drawn(text);
        for code in ProblemCode::ALL {
            let (word, status, meaning) = (code.as_str(), code.status(), code.meaning());
            let section = format!("## {word}\n\nStatus {status}. {meaning}");
            assert!(text.contains(&section), "{section}");
            assert!(page.contains(&format!("<h2 id=\"{word}\">")), "the type of {word} leads nowhere");
        }
        assert_eq!(text.matches("\n\nStatus ").count(), ProblemCode::ALL.len(), "a code that no answer has");
    }

    #[test]
    fn the_errors_guide_explains_every_reason() {
        let text = include_str!("../../guides/errors.md");
        for reason in Refusal::REASONS {
            assert!(text.contains(&format!("`{reason}`")), "{reason} is not explained");
        }
    }
}
