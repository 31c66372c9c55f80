//! Tables for people: aligned text for a terminal, Markdown for a document.

use std::fmt::Write as _;

/// A table whose first column names a line and whose other columns hold figures, aligned to the right.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    lines: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Line {
    /// Names the columns below; the first one names a group of rows.
    Head(Vec<String>),
    Row(Vec<String>),
}

impl Line {
    fn cells(&self) -> &[String] {
        match self {
            Self::Head(cells) | Self::Row(cells) => cells,
        }
    }
}

impl Table {
    /// Starts a group of rows; an empty line goes before every group but the first.
    pub fn head<T: ToString>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.lines.push(Line::Head(cells.into_iter().map(|cell| cell.to_string()).collect()));
    }

    pub fn row<T: ToString>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.lines.push(Line::Row(cells.into_iter().map(|cell| cell.to_string()).collect()));
    }

    /// For a terminal. `emphasise` is given each head line, already aligned.
    pub fn to_text(&self, emphasise: impl Fn(&str) -> String) -> String {
        let widths = self.widths();
        let mut text = String::new();
        for (index, line) in self.lines.iter().enumerate() {
            let aligned = aligned(line.cells(), &widths);
            match line {
                Line::Head(_) => {
                    if index > 0 {
                        text.push('\n');
                    }
                    let _ = writeln!(text, "{}", emphasise(&aligned));
                }
                Line::Row(_) => {
                    let _ = writeln!(text, "{aligned}");
                }
            }
        }
        text
    }

    /// As a Markdown table; its first line must be a head.
    pub fn to_markdown(&self) -> String {
        let mut text = String::new();
        for line in &self.lines {
            let _ = writeln!(text, "| {} |", line.cells().join(" | "));
            if let Line::Head(cells) = line {
                let rule: Vec<_> = (0..cells.len()).map(|column| if column == 0 { "---" } else { "---:" }).collect();
                let _ = writeln!(text, "| {} |", rule.join(" | "));
            }
        }
        text
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths = Vec::new();
        for line in &self.lines {
            for (column, cell) in line.cells().iter().enumerate() {
                widths.resize(widths.len().max(column + 1), 0);
                widths[column] = widths[column].max(cell.chars().count());
            }
        }
        widths
    }
}

fn aligned(cells: &[String], widths: &[usize]) -> String {
    let mut text = String::new();
    for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let _ = if column == 0 { write!(text, "{cell:<width$}") } else { write!(text, "  {cell:>width$}") };
    }
    text.trim_end().to_owned()
}

/// `12345` as `12,345`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_in_characters() {
        let mut table = Table::default();
        table.head(["calls", "n"]);
        table.row(["für Ämter", "1,000"]);
        table.row(["b", ""]);
        assert_eq!(table.to_text(str::to_owned), "calls          n\nfür Ämter  1,000\nb\n");
        assert_eq!(table.to_markdown(), "| calls | n |\n| --- | ---: |\n| für Ämter | 1,000 |\n| b |  |\n");
    }

    #[test]
    fn digits_are_grouped_by_three() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
