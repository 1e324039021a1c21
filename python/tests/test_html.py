"""What notebooks show: nothing that a name contains is taken for markup."""

from firesteel import html


def test_text_is_escaped_everywhere() -> None:
    evil = "<script>\"&'"
    shown = html.box(evil, evil, html.table([(evil, evil)]), link=(evil, 'http://host/"><script>'))
    assert "<script>" not in shown and '"><' not in shown
    assert shown.count("&lt;script&gt;") == 6


def test_only_web_addresses_become_links() -> None:
    assert "href" not in html.box("a", link=("click", "javascript:alert(1)"))
    assert '<a href="http://localhost:4040">ui</a>' in html.box("a", link=("ui", "http://localhost:4040"))


def test_a_context_is_a_list_of_what_it_is() -> None:
    assert html.context_box("1.0", "local[2]", "counts") == (
        "<div><p><b>SparkContext</b></p><dl><dt>Version</dt><dd><code>v1.0</code></dd>"
        "<dt>Master</dt><dd><code>local[2]</code></dd><dt>AppName</dt><dd><code>counts</code></dd></dl></div>"
    )
