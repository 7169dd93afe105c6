//! The app's one page.

use super::{app::Visitor, exchange::Exchange};

const STYLE: &str = "
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 46rem; padding: 1.5rem 1rem 4rem; }
header { display: flex; flex-wrap: wrap; gap: .75rem; align-items: baseline; justify-content: space-between; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
form { display: inline-flex; flex-wrap: wrap; gap: .5rem; margin: 0 .5rem .5rem 0; }
button, input { font: inherit; padding: .5rem .9rem; border-radius: .4rem; border: 1px solid light-dark(#777, #999); }
button { background: light-dark(#1d3fbb, #9db4ff); color: light-dark(#fff, #111); border: 0; cursor: pointer; }
.message { padding: .6rem .9rem; border-left: 4px solid light-dark(#1d3fbb, #9db4ff); background: light-dark(#eef1fb, #1d2233); }
ul { padding-left: 1.2rem; } time, .dim { color: light-dark(#555, #aaa); }
pre { overflow-x: auto; padding: .75rem; margin: .25rem 0; background: light-dark(#f4f4f2, #191919); border-radius: .4rem; font-size: .85rem; }
summary { cursor: pointer; padding: .3rem 0; }
";

/// The page for a visitor.
pub(super) fn draw(visitor: &Visitor, message: Option<&str>, issuer: &str) -> String {
    let message =
        message.map(|text| format!("<p class=\"message\" role=\"status\">{}</p>", escaped(text))).unwrap_or_default();
    let body = if visitor.is_signed_in() { signed_in(visitor) } else { stranger(issuer) };
    let said: String =
        visitor.exchanges.all().iter().rev().enumerate().map(|(index, one)| exchange(index == 0, one)).collect();
    let said = if said.is_empty() { "<p class=\"dim\">Nothing yet.</p>".to_owned() } else { said };
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Sample app</title><style>{STYLE}</style></head><body><header><h1>Sample app</h1>\
         <span class=\"dim\">an app of somebody else's</span></header><main>{message}{body}\
         <h2>What was said</h2><p class=\"dim\">Every request that the app made to {}, the newest first. Secrets are shown by their beginning.</p>\
         {said}</main></body></html>",
        escaped(issuer),
    )
}

fn stranger(issuer: &str) -> String {
    format!(
        "<p>This app reads and writes your posts, if you let it. It sends you to {} to ask you.</p>\
         <form method=\"post\" action=\"/sign-in\"><button>Sign in with Latchkey</button></form>",
        escaped(issuer),
    )
}

fn signed_in(visitor: &Visitor) -> String {
    let name = visitor.name.as_deref().unwrap_or("somebody who did not say their name");
    let posts: Vec<_> = visitor
        .posts
        .iter()
        .map(|(title, at)| format!("<li>{} <time>{}</time></li>", escaped(title), escaped(at)))
        .collect();
    let posts = posts.concat();
    let posts =
        if posts.is_empty() { "<p class=\"dim\">There are none.</p>".to_owned() } else { format!("<ul>{posts}</ul>") };
    let button =
        |action: &str, text: &str| format!("<form method=\"post\" action=\"{action}\"><button>{text}</button></form>");
    let refresh = if visitor.can_refresh() { button("/refresh", "Refresh the token") } else { String::new() };
    format!(
        "<p>The app acts for <strong>{}</strong>.</p><h2>Posts</h2>{posts}\
         <form method=\"post\" action=\"/posts\"><input name=\"title\" aria-label=\"Title of a post\" value=\"Hello\" required><button>Write a post</button></form>\
         <h2>Try</h2><p class=\"dim\">Take back what you allowed under Authorized apps of the portal, then read again: the next call is refused.</p>\
         {}{refresh}{}{}",
        escaped(name),
        button("/read", "Read the posts"),
        button("/revoke", "Give the tokens back"),
        button("/sign-in", "Sign in again"),
    )
}

fn exchange(open: bool, one: &Exchange) -> String {
    let open = if open { " open" } else { "" };
    let status = one.response.lines().next().unwrap_or_default();
    format!(
        "<details{open}><summary>{}: {}</summary><pre>{}</pre><pre>{}</pre></details>",
        escaped(one.title),
        escaped(status),
        escaped(&one.request),
        escaped(&one.response),
    )
}

/// The text as text: whatever a server or a person wrote, it is no markup.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r14_what_others_wrote_is_only_text() {
        let mut visitor = Visitor { access: Some("x".to_owned()), ..Visitor::default() };
        visitor.posts = vec![("<script>alert(1)</script>".to_owned(), String::new())];
        let page = draw(&visitor, Some("<b>x</b>\"'"), "https://a.example/<i>");
        assert!(
            page.contains("&lt;script&gt;")
                && !page.contains("<script>")
                && !page.contains("<b>x")
                && !page.contains("<i>"),
            "{page}"
        );
    }
}
