//! A page as one HTML file: its style and its chart are in it, and it loads nothing from anywhere.

use crate::page::{Line, Page, Table, Tone};
use pilothouse_chart::drawn::svg;
use pilothouse_wire::{drawing::Drawing, units::visible};

const STYLE: &str = "\
:root{color-scheme:light;--text:#14181b;--soft:#465059;--line:#e4e7ea;--good:#1b7a4b;--warn:#8a5200;--bad:#b3261e}\
body{font:14px/1.5 Inter,system-ui,sans-serif;color:var(--text);background:#fff;max-width:1080px;margin:32px auto;padding:0 24px}\
h1{font-size:22px;margin:0 0 16px}h2{font-size:16px;margin:28px 0 8px}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;margin:0}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}\
table{border-collapse:collapse;width:100%}th,td{padding:4px 10px;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}\
th{color:var(--soft);font-weight:600;font-size:12px}.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\
.good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad)}figure{margin:20px 0}figure svg{max-width:100%;height:auto}\
.scroll{overflow-x:auto}footer{color:var(--soft);margin-top:32px;font-size:12px}";

/// The page as HTML.
#[must_use]
pub fn html(page: &Page) -> String {
    with(page, &[])
}

/// The same with drawings, each with its title.
pub(super) fn with(page: &Page, drawings: &[(String, Drawing)]) -> String {
    let title = escaped(&page.title);
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>{title}</title><style>{STYLE}</style></head>\n<body><main><h1>{title}</h1>\n<dl>\n"
    );
    page.lines.iter().for_each(|line| text.push_str(&said(line)));
    text.push_str("</dl>\n");
    if let Some(chart) = &page.chart {
        text.push_str(&format!("<figure>{}</figure>\n", chart.svg()));
    }
    for (title, drawing) in drawings {
        text.push_str(&format!("<h2>{}</h2>\n<figure>{}</figure>\n", escaped(title), svg(drawing)));
    }
    page.tables.iter().for_each(|table| text.push_str(&drawn(table)));
    if !page.definitions.is_empty() {
        text.push_str("<h2>What each number is</h2>\n<dl>\n");
        for (name, meaning) in &page.definitions {
            text.push_str(&format!("<dt>{}</dt><dd>{}</dd>\n", escaped(name), escaped(meaning)));
        }
        text.push_str("</dl>\n");
    }
    text.push_str("<footer>Made by Pilothouse.</footer></main></body></html>\n");
    text
}

fn said(line: &Line) -> String {
    let class = match line.tone {
        Tone::Plain => "",
        Tone::Good => " class=\"good\"",
        Tone::Warn => " class=\"warn\"",
        Tone::Bad => " class=\"bad\"",
    };
    format!("<dt>{}</dt><dd{class}>{}</dd>\n", escaped(&line.name), escaped(&line.text))
}

fn drawn(table: &Table) -> String {
    let class = |right: bool| if right { " class=\"n\"" } else { "" };
    let mut text = if table.title.is_empty() { String::new() } else { format!("<h2>{}</h2>\n", escaped(&table.title)) };
    text.push_str("<div class=\"scroll\"><table><thead><tr>");
    for head in &table.heads {
        text.push_str(&format!("<th scope=\"col\"{}>{}</th>", class(head.right), escaped(head.title)));
    }
    text.push_str("</tr></thead><tbody>\n");
    for row in &table.rows {
        text.push_str("<tr>");
        for (cell, head) in row.iter().zip(&table.heads) {
            text.push_str(&format!("<td{}>{}</td>", class(head.right), escaped(cell)));
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody></table></div>\n");
    text
}

/// Text of others stays text.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{page, tests::document};

    #[test]
    fn it_loads_nothing_and_text_of_others_stays_text() {
        let mut document = document(6, |_, _| 100.0);
        document.arms[1].plan.target.model = "<script src='https://x/y.js'>&".into();
        let text = html(&page(&document));
        assert!(
            !text.contains("<script") && text.contains("&lt;script src=&#39;https://x/y.js&#39;&gt;&amp;"),
            "{text}"
        );
        for outside in ["src=\"", "href=\"", "url(", "@import"] {
            assert!(!text.contains(outside), "{outside}");
        }
        for want in ["<svg", "Verdict", "What each number is", "p95 TTFT", "</html>"] {
            assert!(text.contains(want), "{want}");
        }
    }
}
