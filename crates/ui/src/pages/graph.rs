//! Pictures of what depends on what: the stages of a job, the RDDs of a stage.
//!
//! Boxes stand in layers, each after all that it depends on. Within a layer they are ordered by the mean of their
//! neighbours' places, a few times there and back (the barycentre heuristic of Sugiyama, Tagawa and Toda, 1981).
//! An edge over several layers goes through a thin place of its own in each of them, so that it passes between boxes.

use crate::pages::format::shortened;
use crate::pages::markup::Markup;

/// The most boxes of a picture: nobody reads more, and browsers become slow.
pub(crate) const MAX_BOXES: usize = 150;

/// The most edges, and the most layers that one edge may cross by places of its own.
const MAX_EDGES: usize = 600;
const MAX_CROSSED: usize = 30;

/// The number of times that the order of boxes is improved.
const SWEEPS: usize = 6;

/// The most letters of a line in a box, and the most lines.
const MAX_LETTERS: usize = 34;
const MAX_LINES: usize = 14;

/// Sizes in pixels. The width of a letter is that of the style sheet's fixed-width font.
const LETTER: f64 = 7.0;
const LINE: f64 = 17.0;
const PADDING: f64 = 10.0;
const GAP_IN_LAYER: f64 = 18.0;
const GAP_OF_LAYERS: f64 = 46.0;
const THIN: f64 = 6.0;

/// One box.
#[derive(Clone, Default)]
pub(crate) struct Node {
    /// Its first line.
    pub(crate) title: String,
    /// The page that it leads to.
    pub(crate) href: Option<String>,
    /// Its class in the style sheet.
    pub(crate) class: &'static str,
    /// The lines below: a name, and a remark that is shown fainter.
    pub(crate) lines: Vec<Line>,
}

/// One line of a box.
#[derive(Clone, Default)]
pub(crate) struct Line {
    /// Its text.
    pub(crate) text: String,
    /// Its class in the style sheet.
    pub(crate) class: &'static str,
    /// The whole of it, shown when it is pointed at.
    pub(crate) title: String,
}

/// The way in which layers follow each other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From left to right.
    Right,
    /// From top to bottom.
    Down,
}

struct Place {
    /// The box, or none for an edge that passes by.
    node: Option<usize>,
    layer: usize,
    width: f64,
    height: f64,
    x: f64,
    y: f64,
}

/// Draws boxes and the edges between them. Edges to boxes that are not there are left out.
pub(crate) fn graph(label: &str, nodes: &[Node], edges: &[(usize, usize)], direction: Direction) -> Markup {
    let nodes = &nodes[..nodes.len().min(MAX_BOXES)];
    let mut edges: Vec<(usize, usize)> = edges
        .iter()
        .copied()
        .filter(|(from, to)| from != to && *from < nodes.len() && *to < nodes.len())
        .collect();
    edges.truncate(MAX_EDGES);
    let layers = layers_of(nodes.len(), &edges);
    // An edge against the layers belongs to a circle, which only a hostile log has.
    edges.retain(|(from, to)| layers[*from] < layers[*to]);
    let (mut places, routes) = places_of(nodes, &edges, &layers);
    let ordered = order(&places, &routes);
    let (width, height) = coordinates(&mut places, &ordered, direction);
    draw(label, nodes, &places, &routes, direction, (width, height))
}

/// Returns the layer of each node: one after the last of those that it depends on.
fn layers_of(nodes: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut layers = vec![0; nodes];
    let mut missing = vec![0; nodes];
    edges.iter().for_each(|(_, to)| missing[*to] += 1);
    let mut ready: Vec<usize> = (0..nodes).filter(|node| missing[*node] == 0).collect();
    while let Some(node) = ready.pop() {
        for (_, to) in edges.iter().filter(|(from, _)| *from == node) {
            layers[*to] = layers[*to].max(layers[node] + 1);
            missing[*to] -= 1;
            if missing[*to] == 0 {
                ready.push(*to);
            }
        }
    }
    layers
}

/// Returns the places of boxes and of edges that pass by, and each edge's route through them.
fn places_of(nodes: &[Node], edges: &[(usize, usize)], layers: &[usize]) -> (Vec<Place>, Vec<Vec<usize>>) {
    let mut places: Vec<Place> = nodes
        .iter()
        .zip(layers)
        .enumerate()
        .map(|(index, (node, layer))| {
            let (width, height) = size(node);
            Place { node: Some(index), layer: *layer, width, height, x: 0.0, y: 0.0 }
        })
        .collect();
    let mut routes = Vec::with_capacity(edges.len());
    for (from, to) in edges {
        let mut route = vec![*from];
        if layers[*to] - layers[*from] <= MAX_CROSSED {
            for layer in layers[*from] + 1..layers[*to] {
                route.push(places.len());
                places.push(Place { node: None, layer, width: THIN, height: THIN, x: 0.0, y: 0.0 });
            }
        }
        route.push(*to);
        routes.push(route);
    }
    (places, routes)
}

fn shown_lines(node: &Node) -> usize {
    node.lines.len().min(MAX_LINES) + usize::from(node.lines.len() > MAX_LINES)
}

fn size(node: &Node) -> (f64, f64) {
    let texts = node.lines.iter().take(MAX_LINES).map(|line| line.text.as_str()).chain([node.title.as_str()]);
    let letters = texts.map(|text| text.chars().count().min(MAX_LETTERS)).max().unwrap_or(0);
    let height = LINE * (1 + shown_lines(node)) as f64 + 2.0 * PADDING - 4.0;
    ((letters as f64 * LETTER + 2.0 * PADDING).max(60.0), height)
}

/// Returns the places of each layer in their order.
fn order(places: &[Place], routes: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let count = places.iter().map(|place| place.layer + 1).max().unwrap_or(0);
    let mut layers: Vec<Vec<usize>> = vec![Vec::new(); count];
    places.iter().enumerate().for_each(|(at, place)| layers[place.layer].push(at));
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); places.len()];
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); places.len()];
    for pair in routes.iter().flat_map(|route| route.windows(2)) {
        before[pair[1]].push(pair[0]);
        after[pair[0]].push(pair[1]);
    }
    let mut rank = vec![0.0; places.len()];
    let set_ranks = |layer: &[usize], rank: &mut Vec<f64>| {
        let last = layer.len() as f64;
        layer.iter().enumerate().for_each(|(at, place)| rank[*place] = (at as f64 + 0.5) / last);
    };
    layers.iter().for_each(|layer| set_ranks(layer, &mut rank));
    for sweep in 0..SWEEPS {
        let neighbours = if sweep % 2 == 0 { &before } else { &after };
        let indices: Vec<usize> =
            if sweep % 2 == 0 { (0..count).collect() } else { (0..count).rev().collect() };
        for index in indices {
            let mut wanted: Vec<(f64, usize)> = layers[index]
                .iter()
                .map(|place| {
                    let near = &neighbours[*place];
                    let sum: f64 = near.iter().map(|other| rank[*other]).sum();
                    (if near.is_empty() { rank[*place] } else { sum / near.len() as f64 }, *place)
                })
                .collect();
            wanted.sort_by(|a, b| a.0.total_cmp(&b.0));
            layers[index] = wanted.into_iter().map(|(_, place)| place).collect();
            set_ranks(&layers[index], &mut rank);
        }
    }
    layers
}

/// Gives each place its corner, and returns the size of the whole.
fn coordinates(places: &mut [Place], layers: &[Vec<usize>], direction: Direction) -> (f64, f64) {
    // Along the layers, and across them.
    let along = |place: &Place| if direction == Direction::Right { place.width } else { place.height };
    let across = |place: &Place| if direction == Direction::Right { place.height } else { place.width };
    let breadth = |layer: &Vec<usize>| {
        layer.iter().map(|at| across(&places[*at])).sum::<f64>()
            + GAP_IN_LAYER * layer.len().saturating_sub(1) as f64
    };
    let breadths: Vec<f64> = layers.iter().map(breadth).collect();
    let whole = breadths.iter().copied().fold(0.0, f64::max);
    let mut start = PADDING;
    for (layer, breadth) in layers.iter().zip(breadths) {
        let depth = layer.iter().map(|at| along(&places[*at])).fold(0.0, f64::max);
        let mut next = PADDING + (whole - breadth) / 2.0;
        for at in layer {
            let place = &mut places[*at];
            // An edge that passes by goes straight past the whole layer.
            if place.node.is_none() {
                let length = if direction == Direction::Right { &mut place.width } else { &mut place.height };
                *length = depth;
            }
            let from_start = start + (depth - along(place)) / 2.0;
            let extent = across(place);
            (place.x, place.y) =
                if direction == Direction::Right { (from_start, next) } else { (next, from_start) };
            next += extent + GAP_IN_LAYER;
        }
        start += depth + GAP_OF_LAYERS;
    }
    let length = (start - GAP_OF_LAYERS).max(0.0) + PADDING;
    let breadth = whole + 2.0 * PADDING;
    if direction == Direction::Right { (length, breadth) } else { (breadth, length) }
}

fn draw(
    label: &str,
    nodes: &[Node],
    places: &[Place],
    routes: &[Vec<usize>],
    direction: Direction,
    (width, height): (f64, f64),
) -> Markup {
    let mut markup = Markup::default();
    let (width, height) = (width.ceil() as i64, height.ceil() as i64);
    let view_box = format!("0 0 {width} {height}");
    markup.open(
        "svg",
        &[
            ("class", &"graph"),
            ("width", &width),
            ("height", &height),
            ("viewBox", &view_box),
            ("role", &"group"),
            ("aria-label", &label),
        ],
    );
    markup.open("defs", &[]);
    let arrow: &[(&'static str, &dyn std::fmt::Display)] = &[
        ("id", &"arrow"),
        ("viewBox", &"0 0 8 8"),
        ("refX", &7),
        ("refY", &4),
        ("markerWidth", &7),
        ("markerHeight", &7),
        ("orient", &"auto"),
    ];
    markup.open("marker", arrow);
    markup.empty("path", &[("d", &"M0 0 8 4 0 8z"), ("class", &"arrow")]);
    markup.close("marker");
    markup.close("defs");
    for route in routes {
        draw_edge(&mut markup, places, route, direction);
    }
    for place in places {
        if let Some(node) = place.node {
            draw_node(&mut markup, &nodes[node], place);
        }
    }
    markup.close("svg");
    markup
}

fn draw_edge(markup: &mut Markup, places: &[Place], route: &[usize], direction: Direction) {
    let mut path = String::new();
    for pair in route.windows(2) {
        let (from, to) = (&places[pair[0]], &places[pair[1]]);
        let (x0, y0, x1, y1) = match direction {
            Direction::Right => {
                (from.x + from.width, from.y + from.height / 2.0, to.x, to.y + to.height / 2.0)
            }
            Direction::Down => (from.x + from.width / 2.0, from.y + from.height, to.x + to.width / 2.0, to.y),
        };
        let bend = match direction {
            Direction::Right => {
                let middle = (x0 + x1) / 2.0;
                format!("C{middle:.0} {y0:.0} {middle:.0} {y1:.0} {x1:.0} {y1:.0}")
            }
            Direction::Down => {
                let middle = (y0 + y1) / 2.0;
                format!("C{x0:.0} {middle:.0} {x1:.0} {middle:.0} {x1:.0} {y1:.0}")
            }
        };
        let begin = if path.is_empty() { format!("M{x0:.0} {y0:.0}") } else { format!("L{x0:.0} {y0:.0}") };
        path.push_str(&begin);
        path.push_str(&bend);
    }
    markup.empty("path", &[("class", &"edge"), ("d", &path), ("marker-end", &"url(#arrow)")]);
}

fn draw_node(markup: &mut Markup, node: &Node, place: &Place) {
    let class = format!("node {}", node.class);
    markup.open("g", &[("class", &class)]);
    if let Some(href) = &node.href {
        markup.open("a", &[("href", href)]);
    }
    let (x, y) = (format!("{:.0}", place.x), format!("{:.0}", place.y));
    let (width, height) = (format!("{:.0}", place.width), format!("{:.0}", place.height));
    markup.empty("rect", &[("x", &x), ("y", &y), ("width", &width), ("height", &height), ("rx", &5)]);
    let left = format!("{:.0}", place.x + PADDING);
    let mut base = place.y + PADDING + 9.0;
    markup.open("text", &[("class", &"name"), ("x", &left), ("y", &format!("{base:.0}"))]);
    markup.element("title", &[], &node.title);
    markup.text(&shortened(&node.title, MAX_LETTERS));
    markup.close("text");
    for line in node.lines.iter().take(MAX_LINES) {
        base += LINE;
        markup.open("text", &[("class", &line.class), ("x", &left), ("y", &format!("{base:.0}"))]);
        markup.element("title", &[], if line.title.is_empty() { &line.text } else { &line.title });
        markup.text(&shortened(&line.text, MAX_LETTERS));
        markup.close("text");
    }
    if node.lines.len() > MAX_LINES {
        let more = format!("and {} more", node.lines.len() - MAX_LINES);
        markup.element(
            "text",
            &[("class", &"faint"), ("x", &left), ("y", &format!("{:.0}", base + LINE))],
            &more,
        );
    }
    if node.href.is_some() {
        markup.close("a");
    }
    markup.close("g");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(count: usize) -> Vec<Node> {
        (0..count).map(|at| Node { title: format!("stage {at}"), ..Node::default() }).collect()
    }

    #[test]
    fn each_box_stands_after_those_that_it_depends_on() {
        assert_eq!(layers_of(4, &[(0, 1), (1, 3), (0, 3), (2, 3)]), [0, 1, 0, 2]);
    }

    #[test]
    fn boxes_do_not_overlap() {
        let nodes = nodes(7);
        let edges = [(0, 2), (1, 2), (2, 3), (2, 4), (3, 5), (4, 5), (0, 6), (5, 6)];
        for direction in [Direction::Right, Direction::Down] {
            let layers = layers_of(nodes.len(), &edges);
            let (mut places, routes) = places_of(&nodes, &edges, &layers);
            // The edge from 0 to 6 passes layers 1 to 3.
            assert_eq!(routes[6].len(), 5);
            let ordered = order(&places, &routes);
            let (width, height) = coordinates(&mut places, &ordered, direction);
            for (at, a) in places.iter().enumerate() {
                assert!(a.x >= 0.0 && a.y >= 0.0 && a.x + a.width <= width && a.y + a.height <= height);
                for b in &places[at + 1..] {
                    let is_apart = a.x + a.width <= b.x
                        || b.x + b.width <= a.x
                        || a.y + a.height <= b.y
                        || b.y + b.height <= a.y;
                    assert!(is_apart, "{:?} {:?}", a.node, b.node);
                }
            }
        }
    }

    #[test]
    fn circles_and_strangers_are_left_out() {
        let picture = graph("x", &nodes(3), &[(0, 1), (1, 0), (2, 9), (2, 2)], Direction::Down).to_string();
        assert_eq!(picture.matches("<rect").count(), 3);
        assert_eq!(picture.matches("class=\"edge\"").count(), 0);
        assert!(graph("x", &[], &[], Direction::Down).to_string().starts_with("<svg"));
        let many = graph("x", &nodes(5000), &[], Direction::Down).to_string();
        assert_eq!(many.matches("<rect").count(), MAX_BOXES);
    }

    #[test]
    fn names_are_inert() {
        let node = Node {
            title: "<script>alert(1)</script>".into(),
            href: Some("\"><script>".into()),
            lines: vec![Line { text: "</text><img src=x>".into(), ..Line::default() }],
            ..Node::default()
        };
        let picture = graph("\"><script>", &[node], &[], Direction::Right).to_string();
        assert!(!picture.contains("<script") && !picture.contains("<img"), "{picture}");
    }
}
