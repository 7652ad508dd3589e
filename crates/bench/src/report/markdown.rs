//! A page as Markdown, as a forge or a summary of a job shows it.

use crate::page::{Page, Table};
use pilothouse_wire::units::visible;

/// The page as Markdown.
#[must_use]
pub fn markdown(page: &Page) -> String {
    let mut text = format!("## {}\n\n", escaped(&page.title));
    for line in &page.lines {
        match line.name.as_str() {
            "" => text.push_str(&format!("  - {}\n", escaped(&line.text))),
            name => text.push_str(&format!("- **{}**: {}\n", escaped(name), escaped(&line.text))),
        }
    }
    page.tables.iter().for_each(|table| text.push_str(&drawn(table)));
    if !page.definitions.is_empty() {
        text.push_str("\n<details><summary>What each number is</summary>\n\n");
        for (name, meaning) in &page.definitions {
            text.push_str(&format!("- **{}**: {}\n", escaped(name), escaped(meaning)));
        }
        text.push_str("\n</details>\n");
    }
    text
}

fn drawn(table: &Table) -> String {
    let mut text =
        if table.title.is_empty() { String::from("\n") } else { format!("\n### {}\n\n", escaped(&table.title)) };
    let line = |cells: &mut dyn Iterator<Item = String>| format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "));
    text.push_str(&line(&mut table.heads.iter().map(|head| escaped(head.title))));
    text.push_str(&line(&mut table.heads.iter().map(|head| if head.right { "---:" } else { "---" }.to_owned())));
    for row in &table.rows {
        text.push_str(&line(&mut row.iter().map(|cell| escaped(cell))));
    }
    text
}

/// Text of others is neither a tag, nor a link, nor a column of its own.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '#' => {
                escaped.push('\\');
                escaped.push(c);
            }
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Head;

    #[test]
    fn text_of_others_makes_no_column_and_no_link() {
        let heads = vec![Head::left("MODEL"), Head::right("MS")];
        let rows = vec![vec!["a|b <img> [x](y) `c`".to_owned(), "5".to_owned()]];
        let mut page =
            Page { title: "A_b".into(), tables: vec![Table { title: "T".into(), heads, rows }], ..Page::default() };
        page.line("Run", "one");
        page.line("", "more");
        let text = markdown(&page);
        assert_eq!(
            text,
            "## A\\_b\n\n- **Run**: one\n  - more\n\n### T\n\n| MODEL | MS |\n| --- | ---: |\n\
             | a\\|b &lt;img&gt; \\[x\\](y) \\`c\\` | 5 |\n"
        );
    }
}
