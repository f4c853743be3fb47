"""Build HTML so that no text can become markup: everything is escaped but what this module made."""

from html import escape
from typing import Any


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


Child = Any  # str (escaped), Html, number, None, or a list of those


def el(tag: str, /, *children: Child, **attributes: Any) -> Html:
    """Return an element. `cls` stands for class; an attribute of None or False is left out."""
    opened = f"<{tag}{''.join(_attribute(key, value) for key, value in attributes.items())}>"
    if tag in ("br", "meta"):
        return Html(opened)
    return Html(f"{opened}{join(children)}</{tag}>")


def join(children: Any) -> Html:
    """Return children one after the other, each escaped unless it is markup."""
    return Html("".join(_render(child) for child in children))


def _render(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Html):
        return child
    if isinstance(child, list | tuple):
        return join(child)
    return escape(str(child), quote=True)


def _attribute(key: str, value: Any) -> str:
    if value is None or value is False:
        return ""
    name = "class" if key == "cls" else key.replace("_", "-")
    return f' {name}="{escape(str(value), quote=True)}"'
