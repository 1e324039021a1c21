//! Long tables, a page at a time: what the address asks for, and links to its neighbours.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::BTreeMap;

/// The rows of a page.
pub(crate) const ROWS: usize = 100;

/// The part of an address that says which rows are shown, and in which order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ask {
    /// The page, from 1.
    page: Option<String>,
    /// The column that rows are sorted by.
    pub(crate) sort: Option<String>,
    /// `1` if the highest come first.
    desc: Option<String>,
    /// The rows that are shown: a status, or a text.
    pub(crate) show: Option<String>,
}

impl Ask {
    /// Reads it from the fields of an address.
    pub(crate) fn of(fields: &BTreeMap<String, String>) -> Self {
        let field = |name: &str| fields.get(name).cloned();
        Ask { page: field("page"), sort: field("sort"), desc: field("desc"), show: field("show") }
    }

    /// Returns the number of the page, from 1 and at most the last one.
    pub(crate) fn page(&self, rows: usize) -> usize {
        let asked = self.page.as_ref().and_then(|page| page.trim().parse().ok()).unwrap_or(1);
        asked.clamp(1, rows.div_ceil(ROWS).max(1))
    }

    /// Tells if the highest come first.
    pub(crate) fn is_descending(&self) -> bool {
        self.desc.as_deref() == Some("1")
    }
}

/// A long table: its place in an address, and its number of rows.
pub(crate) struct Pages {
    /// The address of the page without page, order and filter; it ends with `?` or `&`.
    base: String,
    ask: Ask,
    rows: usize,
    /// The default order.
    default_sort: &'static str,
    is_default_descending: bool,
}

/// A column of a table that can be sorted.
pub(crate) struct Column {
    /// Its heading.
    pub(crate) label: &'static str,
    /// The address that sorts by it; none if that is not possible.
    pub(crate) href: Option<String>,
    /// The order that it has now, as `aria-sort` names it.
    pub(crate) order: Option<&'static str>,
    /// True if it holds numbers.
    pub(crate) is_number: bool,
}

impl Pages {
    /// Describes a table of `rows` rows.
    pub(crate) fn new(
        base: String,
        ask: &Ask,
        rows: usize,
        default_sort: &'static str,
        is_default_descending: bool,
    ) -> Self {
        Pages { base, ask: ask.clone(), rows, default_sort, is_default_descending }
    }

    /// Returns the number of all rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the column that rows are sorted by.
    pub(crate) fn sort(&self) -> &str {
        self.ask.sort.as_deref().unwrap_or(self.default_sort)
    }

    /// Tells if the highest come first.
    pub(crate) fn is_descending(&self) -> bool {
        if self.ask.sort.is_some() { self.ask.is_descending() } else { self.is_default_descending }
    }

    /// Returns the number of rows before the page.
    pub(crate) fn offset(&self) -> usize {
        (self.number() - 1) * ROWS
    }

    /// Returns the page's number, from 1.
    pub(crate) fn number(&self) -> usize {
        self.ask.page(self.rows)
    }

    /// Returns the number of pages.
    pub(crate) fn count(&self) -> usize {
        self.rows.div_ceil(ROWS).max(1)
    }

    /// Returns the address of the page before.
    pub(crate) fn before(&self) -> Option<String> {
        (self.number() > 1).then(|| self.page_href(self.number() - 1))
    }

    /// Returns the address of the page after.
    pub(crate) fn after(&self) -> Option<String> {
        (self.number() < self.count()).then(|| self.page_href(self.number() + 1))
    }

    /// Returns a heading that sorts by `key`.
    pub(crate) fn column(&self, key: &'static str, label: &'static str, is_number: bool) -> Column {
        let is_now = self.sort() == key;
        // Of numbers the highest are of interest first.
        let descending = if is_now { !self.is_descending() } else { is_number };
        let order = is_now.then_some(if self.is_descending() { "descending" } else { "ascending" });
        let desc = if descending { "1" } else { "0" };
        let show = self.show_part();
        Column { label, href: Some(format!("{}sort={key}&desc={desc}{show}", self.base)), order, is_number }
    }

    fn show_part(&self) -> String {
        self.ask.show.as_ref().map(|show| format!("&show={}", encoded(show))).unwrap_or_default()
    }

    fn page_href(&self, page: usize) -> String {
        let desc = if self.is_descending() { "1" } else { "0" };
        format!("{}sort={}&desc={desc}{}&page={page}", self.base, encoded(self.sort()), self.show_part())
    }
}

/// The letters that stand for others in an address: all but those that have no meaning in any (RFC 3986, 2.3).
const WRITTEN_OUT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Writes a text as a part of an address.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, WRITTEN_OUT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_neighbours() {
        let ask = |page: &str| Ask { page: Some(page.into()), ..Ask::default() };
        let pages = |page: &str| Pages::new("/stages/?".into(), &ask(page), 250, "id", true);
        assert_eq!((pages("1").before(), pages("3").after()), (None, None));
        assert_eq!(pages("2").after().unwrap(), "/stages/?sort=id&desc=1&page=3");
        assert_eq!((pages("99").number(), pages("99").offset()), (3, 200));
        assert_eq!((pages("-1").number(), pages("x").number()), (1, 1));
        assert_eq!(Pages::new(String::new(), &Ask::default(), 0, "id", false).count(), 1);
    }

    #[test]
    fn headings_turn_the_order_round() {
        let ask = Ask {
            sort: Some("duration".into()),
            desc: Some("1".into()),
            show: Some("a&b".into()),
            ..Ask::default()
        };
        let pages = Pages::new("?id=1&".into(), &ask, 5, "id", false);
        let column = pages.column("duration", "Duration", true);
        assert_eq!(column.order, Some("descending"));
        assert_eq!(column.href.unwrap(), "?id=1&sort=duration&desc=0&show=a%26b");
        assert_eq!(pages.column("id", "Id", false).order, None);
    }
}
