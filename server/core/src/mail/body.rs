//! A mail's text as its reader gets it: plain, and as a page in the house style.

use super::letter::LINK;
use std::fmt::Write;
use zeroize::Zeroizing;

/// Colours and measures of the pages, written out: programs for mail read no style sheets.
const BODY: &str = "margin:0;padding:24px 12px;background:#f6f7f9;color:#16181d;font:16px/1.5 -apple-system,BlinkMacSystemFont,'Segoe UI',sans-serif";
const CARD: &str =
    "max-width:560px;margin:0 auto;padding:24px;background:#ffffff;border:1px solid #dfe2e8;border-radius:8px";
const BRAND: &str = "margin:0 0 16px;font-weight:600;color:#4b5563";
const TITLE: &str = "margin:0 0 16px;font-size:20px;line-height:1.3";
const PARAGRAPH: &str = "margin:0 0 16px;overflow-wrap:anywhere";
const BUTTON: &str =
    "display:inline-block;padding:10px 16px;border-radius:6px;background:#1d4ed8;color:#ffffff;text-decoration:none";
const FOOT: &str = "max-width:560px;margin:16px auto 0;font-size:13px;color:#4b5563";

/// The text, with its link in its place.
pub(super) fn plain(text: &str, link: Option<&str>) -> Zeroizing<String> {
    Zeroizing::new(text.replace(LINK, link.unwrap_or("(this link is shown to its reader alone)")))
}

/// The same as a page: each paragraph one, each address on a line of its own a link, the mail's own link a button.
pub(super) fn html(subject: &str, text: &str, link: Option<&str>, portal: &str) -> Zeroizing<String> {
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title></head><body style=\"{BODY}\"><div style=\"{CARD}\"><p style=\"{BRAND}\">Latchkey</p><h1 style=\"{TITLE}\">{title}</h1>",
        title = escaped(subject),
    );
    for paragraph in text.trim().split("\n\n") {
        let lines: Vec<_> = paragraph.lines().map(|line| html_line(line, link)).collect();
        // Writing to a string does not fail.
        let _ = write!(page, "<p style=\"{PARAGRAPH}\">{}</p>", lines.join("<br>"));
    }
    let portal = escaped(portal);
    let _ = write!(
        page,
        "</div><p style=\"{FOOT}\">You get this mail since you have an account, or somebody named your address, at <a href=\"{portal}\">{portal}</a>.</p></body></html>"
    );
    Zeroizing::new(page)
}

fn html_line(text: &str, link: Option<&str>) -> String {
    match link {
        Some(address) if text == LINK => {
            let address = escaped(address);
            format!(
                "<a style=\"{BUTTON}\" href=\"{address}\">Open the link</a><br><br>Or copy this address into your browser:<br>{address}"
            )
        }
        _ if text.starts_with("https://") || text.starts_with("http://") => {
            let address = escaped(text);
            format!("<a href=\"{address}\">{address}</a>")
        }
        _ => escaped(text),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r14_what_people_chose_is_text_in_a_page() {
        let page = html(
            "<b>Web</b> ends",
            "The key \"<script>alert(1)</script>\" ends.\n\nhttps://x.test/?a=1&b=\"2\"",
            None,
            "https://x.test",
        );
        assert!(!page.contains("<script") && !page.contains("<b>"), "{}", *page);
        assert!(page.contains("href=\"https://x.test/?a=1&amp;b=&quot;2&quot;\""), "{}", *page);
    }

    #[test]
    fn the_link_stands_where_its_place_is_and_nowhere_without_one() {
        let text = format!("Choose a new password:\n{LINK}\n");
        let link = Some("https://x.test/reset?token=abc");
        assert_eq!(*plain(&text, link), "Choose a new password:\nhttps://x.test/reset?token=abc\n");
        assert!(html("Reset", &text, link, "https://x.test").contains("href=\"https://x.test/reset?token=abc\""));
        assert!(!plain(&text, None).contains("token") && !html("Reset", &text, None, "").contains("href=\"{"));
    }
}
