//! Reading the documents that are compared with what they describe.

/// The cells of the rows of every table with this header line. The grave accents of a cell that is code go.
pub fn rows<'a>(document: &'a str, header: &str) -> Vec<Vec<&'a str>> {
    let mut rows = Vec::new();
    for part in document.split(&format!("{header}\n")).skip(1) {
        let lines = part.lines().skip(1);
        rows.extend(lines.take_while(|line| line.starts_with('|')).map(cells));
    }
    assert!(!rows.is_empty(), "there is a table {header}");
    rows
}

fn cells(line: &str) -> Vec<&str> {
    let line = line.trim().trim_start_matches('|');
    let line = line.strip_suffix('|').unwrap_or(line);
    line.split('|')
        .map(|cell| cell.trim())
        .map(|cell| {
            cell.strip_prefix('`')
                .and_then(|cell| cell.strip_suffix('`'))
                .filter(|code| !code.contains('`'))
                .unwrap_or(cell)
        })
        .collect()
}
