//! Markup that is written by code rather than by a template: the pictures. All texts and attributes that go into it are
//! escaped here, so that templates can take the result as it is.

use askama::filters::HtmlSafe;
use std::fmt::{self, Display, Write};

/// A piece of markup. Only this file makes one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Markup(String);

impl HtmlSafe for Markup {}

impl Display for Markup {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl Markup {
    /// Opens an element.
    pub(crate) fn open(&mut self, tag: &'static str, attributes: &[(&'static str, &dyn Display)]) {
        self.begin(tag, attributes);
        self.0.push('>');
    }

    /// Writes an element without content.
    pub(crate) fn empty(&mut self, tag: &'static str, attributes: &[(&'static str, &dyn Display)]) {
        self.begin(tag, attributes);
        self.0.push_str("/>");
    }

    /// Writes an element that holds a text.
    pub(crate) fn element(
        &mut self,
        tag: &'static str,
        attributes: &[(&'static str, &dyn Display)],
        text: &str,
    ) {
        self.open(tag, attributes);
        self.text(text);
        self.close(tag);
    }

    /// Writes a text.
    pub(crate) fn text(&mut self, text: &str) {
        push_escaped(&mut self.0, text);
    }

    /// Closes an element.
    pub(crate) fn close(&mut self, tag: &'static str) {
        self.0.push_str("</");
        self.0.push_str(tag);
        self.0.push('>');
    }

    /// Appends other markup.
    pub(crate) fn append(&mut self, other: &Markup) {
        self.0.push_str(&other.0);
    }

    /// Returns its length in bytes.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    fn begin(&mut self, tag: &'static str, attributes: &[(&'static str, &dyn Display)]) {
        self.0.push('<');
        self.0.push_str(tag);
        for (name, value) in attributes {
            self.0.push(' ');
            self.0.push_str(name);
            self.0.push_str("=\"");
            // Writing into a string does not fail.
            let _ = write!(Escaped(&mut self.0), "{value}");
            self.0.push('"');
        }
    }
}

struct Escaped<'a>(&'a mut String);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        push_escaped(self.0, text);
        Ok(())
    }
}

fn push_escaped(out: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_names() {
        let mut markup = Markup::default();
        markup.element(
            "text",
            &[("x", &1.5), ("class", &"\"><script>")],
            "</text><script>alert('&')</script>",
        );
        assert_eq!(
            markup.to_string(),
            "<text x=\"1.5\" class=\"&quot;&gt;&lt;script&gt;\">&lt;/text&gt;&lt;script&gt;alert(&#39;&amp;&#39;)\
             &lt;/script&gt;</text>"
        );
    }
}
