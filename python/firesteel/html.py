"""HTML for notebooks: small markup that escapes all text in it.

Only :func:`table`, :func:`bar` and :func:`box` make markup; callers pass text and never markup, so that a name such as
``<script>`` is shown and not run.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

__all__ = ["Markup", "bar", "box", "table"]


class Markup:
    """HTML that this module made; :func:`box` escapes everything else."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def table(rows: Iterable[tuple[str, object]]) -> Markup:
    """Returns names and their values, as a list of definitions.

    >>> table([("AppName", "<counts>")]).text
    '<dl><dt>AppName</dt><dd><code>&lt;counts&gt;</code></dd></dl>'
    """
    items = (f"<dt>{escape(name)}</dt><dd><code>{escape(str(value))}</code></dd>" for name, value in rows)
    return Markup(f"<dl>{''.join(items)}</dl>")


def bar(label: str, done: int, total: int, note: str) -> Markup:
    """Returns a progress bar.

    >>> bar("Stage 0", 1, 2, "1 / 2").text
    '<p>Stage 0 <progress value="1" max="2"></progress> 1 / 2</p>'
    """
    return Markup(f'<p>{escape(label)} <progress value="{done:d}" max="{total:d}"></progress> {escape(note)}</p>')


def paragraph(text: str) -> str:
    """Returns a paragraph of text.

    >>> paragraph("1 < 2")
    '<p>1 &lt; 2</p>'
    """
    return f"<p>{escape(text)}</p>"


def anchor(text: str, url: str) -> str:
    """Returns a paragraph with a link; nothing if the address is no web page's.

    >>> anchor("pages", "http://127.0.0.1:4040"), anchor("pages", "javascript:alert(1)")
    ('<p><a href="http://127.0.0.1:4040">pages</a></p>', '')
    """
    if not url.startswith(("http://", "https://")):
        return ""
    return f'<p><a href="{escape(url)}">{escape(text)}</a></p>'


def box(title: str, *parts: str | Markup, link: tuple[str, str] | None = None) -> str:
    """Returns a titled box of text and tables, for ``_repr_html_``; ``link`` is a text and an address.

    >>> box("SparkContext", table([("Master", "local[2]")]))
    '<div><p><b>SparkContext</b></p><dl><dt>Master</dt><dd><code>local[2]</code></dd></dl></div>'
    """
    pieces = [f"<p><b>{escape(title)}</b></p>"]
    if link is not None:
        pieces.append(anchor(*link))
    pieces += [part.text if isinstance(part, Markup) else paragraph(part) for part in parts]
    return f"<div>{''.join(pieces)}</div>"


def context_box(version: str, master: str, app_name: str, link: tuple[str, str] | None = None) -> str:
    """Returns the box that a notebook shows of a context."""
    return box(
        "SparkContext", table([("Version", f"v{version}"), ("Master", master), ("AppName", app_name)]), link=link
    )
