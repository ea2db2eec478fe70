"""What would be right: the JSON Schema of a policy file, said in words for an error message."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from proctor.adapters.policy_schema import ID_PATTERN, FileDoc

Node = Mapping[str, Any]
Loc = Sequence[str | int]


@cache
def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a policy file, for editors. Do not change it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Proctor policy, schema 1",
    } | {key: value for key, value in FileDoc.model_json_schema().items() if key != "title"}


def node_at(loc: Loc) -> Node:
    """Return the schema at a place as pydantic names it: keys, indices, tags of a union."""
    node = _resolved(json_schema())
    for step in loc:
        if isinstance(step, int):
            node = _resolved(node["items"])
        elif step in node.get("properties", {}):
            node = _resolved(node["properties"][step])
        elif step in node.get("discriminator", {}).get("mapping", {}):
            node = _resolved({"$ref": node["discriminator"]["mapping"][step]})
    return node


def describe(node: Node) -> str:
    """Return what a schema asks for: "a whole number from 1 to 600"."""
    node = _resolved(node)
    if "anyOf" in node:
        return describe(next(option for option in node["anyOf"] if option.get("type") != "null"))
    if "const" in node:
        return str(node["const"])
    if "enum" in node:
        return "one of " + ", ".join(str(value) for value in node["enum"] if value != "")
    if "discriminator" in node:
        return "a table with a kind: one of " + ", ".join(node["discriminator"]["mapping"])
    match node["type"]:
        case "integer":
            least, most = node["minimum"], node["maximum"]
            return str(most) if least == most else f"a whole number from {least} to {most}"
        case "number":
            return f"a number from {node['minimum']:g} to {node['maximum']:g}"
        case "boolean":
            return "true or false"
        case "array":
            inner = describe(node["items"])
            return "a list of tables" if inner.startswith("a table") else f"a list of: {inner}"
        case "object":
            return "a table"
        case _:
            return _text(node)


def _text(node: Node) -> str:
    pattern = node.get("pattern", "")
    if ID_PATTERN[1:-1] in pattern:
        return "an id of at most 64 lower-case letters, digits and hyphens"
    if "[0-9]" in pattern:
        return 'a version such as "10" or "10.15"'
    return f"a line of text of at most {node['maxLength']} characters"


def keys_at(loc: Loc) -> tuple[str, ...]:
    return tuple(node_at(loc).get("properties", ()))


def nearest(word: str, known: Sequence[str]) -> str:
    """Return the known word most like one that is not, or ""."""
    found = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return found[0] if found else ""


def tables() -> Iterator[tuple[str, Node]]:
    """Return every table a file may have, as a reader writes it, and its schema.

    `""` is the top of the file, `[capture]` a table, `[[flag]]` an array's, `[[allow]] paper`
    one kind of an array's, `[[allow]] website.of` what stands in a list of that.
    """
    yield from _tables("", json_schema())


def _tables(title: str, node: Node) -> Iterator[tuple[str, Node]]:
    node = _resolved(node)
    yield title, node
    for name, inner in node["properties"].items():
        inner = _resolved(inner)  # noqa: PLW2901  the same schema, its reference followed
        listed = inner.get("type") == "array"
        inner = _resolved(inner["items"]) if listed else inner  # noqa: PLW2901  as above
        if title:
            below = f"{title[:-1]}.{name}]" if title.endswith("]") and "[[" not in title else ""
            below = below or f"{title}.{name}"
        else:
            below = f"[[{name}]]" if listed else f"[{name}]"
        if "discriminator" in inner:
            for tag, ref in inner["discriminator"]["mapping"].items():
                yield from _tables(f"{below} {tag}", {"$ref": ref})
        elif "properties" in inner:
            yield from _tables(below, inner)


def homes_of(key: str) -> tuple[str, ...]:
    """Return the tables that have a key, for one that stands in the wrong place."""
    return tuple(title for title, node in tables() if title and key in node["properties"])


def _resolved(node: Node) -> Node:
    while "$ref" in node:
        node = json_schema()["$defs"][node["$ref"].rpartition("/")[2]]
    return node
