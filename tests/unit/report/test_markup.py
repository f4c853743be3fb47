from alphatrade_runtime.report.markup import Html, el, join


def test_text_never_becomes_markup():
    assert el("p", "<b>&\"'") == "<p>&lt;b&gt;&amp;&quot;&#x27;</p>"
    assert el("p", title='"><script>') == '<p title="&quot;&gt;&lt;script&gt;"></p>'


def test_markup_stays_markup():
    assert el("p", el("b", "x"), Html("<i>y</i>"), None, 3, ["a", el("u", "z")]) == "<p><b>x</b><i>y</i>3a<u>z</u></p>"


def test_attributes_are_named_as_html_names_them():
    assert el("rect", cls="a", data_x="1", hidden=False, id=None) == '<rect class="a" data-x="1"></rect>'
    assert el("meta", charset="utf-8") == '<meta charset="utf-8">'


def test_joined_text_loses_its_trust_when_it_is_text_again():
    assert join(["<", el("b")]) == "&lt;<b></b>"
    assert not isinstance(el("b") + "<x>", Html)
