//! Parses globs as Hadoop has them: `?`, `*`, `[abc]`, `[a-b]`, `[^a]`, `{ab,cd}` and `\c`, within one
//! component of a path, except that an alternative inside braces may hold slashes.
//!
//! A component is turned into a regular expression, as Hadoop does, so that matching takes linear time. The listing of
//! directories is in `inputs`.

use regex_lite::Regex;

/// The most patterns that one pattern with slashes inside its braces may stand for.
const MAX_PATTERNS: usize = 10_000;

/// One component of a pattern.
#[derive(Clone, Debug)]
pub(crate) enum Component {
    /// A single name.
    Literal(String),
    /// All names that an expression matches.
    Pattern(Regex),
}

impl Component {
    /// Parses one component; the error is its fault, in a sentence.
    pub(crate) fn parse(text: &str) -> Result<Component, String> {
        let mut parser = Parser {
            rest: text.chars(),
            regex: "(?s)^".into(),
            literal: String::new(),
            wild: false,
            depth: 0,
        };
        parser.parse()?;
        if !parser.wild {
            return Ok(Component::Literal(parser.literal));
        }
        let regex = Regex::new(&(parser.regex + "$")).map_err(|error| error.to_string())?;
        Ok(Component::Pattern(regex))
    }
}

/// Cuts a pattern at its slashes, after alternatives that hold slashes were written out.
pub(crate) fn parse(pattern: &str) -> Result<Vec<Vec<Component>>, String> {
    let components =
        |pattern: &String| names(pattern).into_iter().map(Component::parse).collect::<Result<_, _>>();
    write_out_slashes(pattern)?.iter().map(components).collect()
}

/// Returns the names of a path, without `.`; `..` removes the name before it, which need not exist:
/// `none/../a` is `a`, as in Hadoop, whose paths are normalised before anything is looked up.
fn names(path: &str) -> Vec<&str> {
    let mut names: Vec<&str> = vec![];
    for name in path.split('/').filter(|name| !name.is_empty() && *name != ".") {
        match names.last() {
            Some(before) if name == ".." && *before != ".." => drop(names.pop()),
            _ => names.push(name),
        }
    }
    names
}

/// Returns whether a pattern matches a path, component by component. No file is looked at.
///
/// ```
/// assert_eq!(firesteel_io::glob_matches("logs/{a,b}-*.gz", "logs/b-7.gz"), Ok(true));
/// assert!(firesteel_io::glob_matches("logs/[a", "logs/a").is_err());
/// ```
///
/// # Errors
/// The fault of the pattern, in a sentence.
pub fn glob_matches(pattern: &str, path: &str) -> Result<bool, String> {
    let names = names(path);
    let matches = |(component, name): (&Component, &&str)| match component {
        Component::Literal(literal) => literal == name,
        Component::Pattern(regex) => regex.is_match(name),
    };
    let alternatives = parse(pattern)?;
    Ok(alternatives
        .iter()
        .any(|components| components.len() == names.len() && components.iter().zip(&names).all(matches)))
}

struct Parser<'a> {
    rest: std::str::Chars<'a>,
    /// The regular expression so far.
    regex: String,
    /// The name so far, if it is one.
    literal: String,
    wild: bool,
    /// The number of open braces.
    depth: usize,
}

impl Parser<'_> {
    fn parse(&mut self) -> Result<(), String> {
        while let Some(c) = self.rest.next() {
            match c {
                '\\' => {
                    let escaped = self.rest.next().ok_or("it ends with a backslash that escapes nothing")?;
                    self.push_char(escaped);
                }
                '*' => self.push_wild(".*"),
                '?' => self.push_wild("."),
                '[' => self.parse_class()?,
                '{' => {
                    self.depth += 1;
                    self.push_wild("(?:");
                }
                ',' if self.depth > 0 => self.push_wild("|"),
                '}' if self.depth > 0 => {
                    self.depth -= 1;
                    self.push_wild(")");
                }
                _ => self.push_char(c),
            }
        }
        if self.depth > 0 { Err("a { is not closed".into()) } else { Ok(()) }
    }

    /// Reads `[abc]` from behind its bracket. A `]` that comes first stands for itself.
    fn parse_class(&mut self) -> Result<(), String> {
        let unclosed = "a [ is not closed";
        self.push_wild("[");
        let mut c = self.rest.next().ok_or(unclosed)?;
        if c == '^' || c == '!' {
            self.regex.push('^');
            c = self.rest.next().ok_or(unclosed)?;
        }
        loop {
            let low = self.class_char(c).ok_or(unclosed)?;
            let mut next = self.rest.next().ok_or(unclosed)?;
            let mut high = low;
            if next == '-' && !self.rest.as_str().starts_with(']') {
                let c = self.rest.next().ok_or(unclosed)?;
                high = self.class_char(c).ok_or(unclosed)?;
                next = self.rest.next().ok_or(unclosed)?;
            }
            if low > high {
                return Err(format!("the range {low}-{high} is backwards"));
            }
            self.regex += &format!("\\x{{{:X}}}-\\x{{{:X}}}", low as u32, high as u32);
            if next == ']' {
                self.regex.push(']');
                return Ok(());
            }
            c = next;
        }
    }

    fn class_char(&mut self, c: char) -> Option<char> {
        if c == '\\' { self.rest.next() } else { Some(c) }
    }

    fn push_wild(&mut self, regex: &str) {
        self.wild = true;
        self.regex += regex;
    }

    fn push_char(&mut self, c: char) {
        self.literal.push(c);
        self.regex += &regex_lite::escape(c.encode_utf8(&mut [0; 4]));
    }
}

/// Writes out every group of alternatives that holds a slash: `{a/b,c}/d` becomes `a/b/d` and `c/d`.
fn write_out_slashes(pattern: &str) -> Result<Vec<String>, String> {
    let (mut pending, mut done) = (vec![pattern.to_string()], vec![]);
    while let Some(pattern) = pending.pop() {
        match slashed_group(&pattern) {
            None => done.push(pattern),
            Some(group) => {
                let (before, after) = (&pattern[..group.open], &pattern[group.close + 1..]);
                pending.extend(group.alternatives.iter().rev().map(|one| format!("{before}{one}{after}")));
            }
        }
        if pending.len() + done.len() > MAX_PATTERNS {
            return Err(format!("its braces stand for more than {MAX_PATTERNS} paths"));
        }
    }
    Ok(done)
}

struct Group<'a> {
    open: usize,
    close: usize,
    alternatives: Vec<&'a str>,
}

/// Returns the first outermost group of alternatives that holds a slash.
fn slashed_group(pattern: &str) -> Option<Group<'_>> {
    let (mut depth, mut open, mut from, mut slash) = (0_usize, 0, 0, false);
    let (mut escaped, mut in_class, mut alternatives) = (false, false, vec![]);
    for (at, c) in pattern.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ']' => in_class = false,
            _ if in_class => {}
            '[' => in_class = true,
            '{' => {
                if depth == 0 {
                    (open, from, slash, alternatives) = (at, at + 1, false, vec![]);
                }
                depth += 1;
            }
            ',' if depth == 1 => {
                alternatives.push(&pattern[from..at]);
                from = at + 1;
            }
            '}' if depth > 0 => {
                depth -= 1;
                if depth == 0 && slash {
                    alternatives.push(&pattern[from..at]);
                    return Some(Group { open, close: at, alternatives });
                }
            }
            '/' if depth > 0 => slash = true,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One thing in a pattern, to make patterns of and to match names against without regular expressions.
    #[derive(Clone, Debug)]
    enum Node {
        Char(char),
        One,
        Many,
        Class(bool, Vec<(char, char)>),
        Either(Vec<Vec<Node>>),
    }

    fn write(nodes: &[Node]) -> String {
        let escape = |c: &char| if c.is_alphanumeric() { c.to_string() } else { format!("\\{c}") };
        let write_node = |node: &Node| match node {
            Node::Char(c) => escape(c),
            Node::One => "?".into(),
            Node::Many => "*".into(),
            Node::Class(negated, ranges) => {
                let ranges = ranges.iter().map(|(low, high)| match low == high {
                    true => escape(low),
                    false => format!("{}-{}", escape(low), escape(high)),
                });
                format!("[{}{}]", if *negated { "^" } else { "" }, ranges.collect::<String>())
            }
            Node::Either(all) => {
                format!("{{{}}}", all.iter().map(|one| write(one)).collect::<Vec<_>>().join(","))
            }
        };
        nodes.iter().map(write_node).collect()
    }

    fn matches(nodes: &[Node], name: &[char]) -> bool {
        let Some((node, rest)) = nodes.split_first() else { return name.is_empty() };
        match node {
            Node::Many => (0..=name.len()).any(|taken| matches(rest, &name[taken..])),
            Node::Either(all) => all.iter().any(|one| matches(&[one, rest].concat(), name)),
            Node::Char(_) | Node::One | Node::Class(..) => name.split_first().is_some_and(|(c, others)| {
                let fits = match node {
                    Node::Char(expected) => c == expected,
                    Node::Class(negated, ranges) => {
                        ranges.iter().any(|(low, high)| (low..=high).contains(&c)) != *negated
                    }
                    Node::One | Node::Many | Node::Either(_) => true,
                };
                fits && matches(rest, others)
            }),
        }
    }

    fn a_char() -> impl Strategy<Value = char> {
        proptest::sample::select("aabbc{},[]^!-*?\\.é\n".chars().collect::<Vec<_>>())
    }

    fn nodes() -> impl Strategy<Value = Vec<Node>> {
        let range = (a_char(), a_char()).prop_map(|(a, b)| (a.min(b), a.max(b)));
        let leaf = prop_oneof![
            4 => a_char().prop_map(Node::Char),
            2 => Just(Node::One),
            2 => Just(Node::Many),
            2 => (any::<bool>(), proptest::collection::vec(range, 1..3)).prop_map(|(n, r)| Node::Class(n, r)),
        ];
        let node = leaf.prop_recursive(3, 12, 3, |inner| {
            proptest::collection::vec(proptest::collection::vec(inner, 0..3), 1..4).prop_map(Node::Either)
        });
        proptest::collection::vec(node, 1..6)
    }

    proptest! {
        #[test]
        fn a_pattern_matches_what_its_parts_do(
            nodes in nodes(),
            names in proptest::collection::vec(proptest::collection::vec(a_char(), 0..6), 1..20),
        ) {
            let pattern = write(&nodes);
            let component = Component::parse(&pattern).unwrap();
            for name in names {
                let text: String = name.iter().collect();
                let found = match &component {
                    Component::Literal(literal) => *literal == text,
                    Component::Pattern(regex) => regex.is_match(&text),
                };
                prop_assert_eq!(found, matches(&nodes, &name), "{} against {:?}", pattern, text);
            }
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "[a/{},\\[\\]^!*?\\\\-]{0,20}") {
            let _ = parse(&text);
        }
    }

    #[test]
    fn what_is_wrong_with_a_pattern_is_said() {
        let wrong = |text: &str| parse(text).unwrap_err();
        assert_eq!(wrong("a[b"), "a [ is not closed");
        assert_eq!(wrong("a{b"), "a { is not closed");
        assert_eq!(wrong("a\\"), "it ends with a backslash that escapes nothing");
        assert_eq!(wrong("[z-a]"), "the range z-a is backwards");
        assert_eq!(wrong(&"{/a,/b}".repeat(20)), "its braces stand for more than 10000 paths");
    }

    #[test]
    fn in_a_class_some_characters_stand_for_themselves() {
        for (pattern, name) in [("[a-]", "-"), ("[]a]", "]"), ("[a\\]]", "]"), ("[!-]", "a"), ("a}]", "a}]")]
        {
            match Component::parse(pattern).unwrap() {
                Component::Pattern(regex) => assert!(regex.is_match(name), "{pattern}"),
                Component::Literal(literal) => assert_eq!(literal, name),
            }
        }
    }

    #[test]
    fn braces_with_slashes_are_written_out_and_others_are_kept() {
        let written = |pattern| write_out_slashes(pattern).unwrap();
        assert_eq!(written("x{a/b,c}/{d,e}"), ["xa/b/{d,e}", "xc/{d,e}"]);
        assert_eq!(written("{a,{b/c,d}}"), ["a", "b/c", "d"]);
        assert_eq!(written("[{]a/b[}]"), ["[{]a/b[}]"]);
        assert_eq!(written("\\{a/b,c}"), ["\\{a/b,c}"]);
    }
}
