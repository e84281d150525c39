"""What a field allows, in words: for the messages about a user's mistakes and for the reference. It decides nothing."""

from lepton.spec.schema import Schema


def allowed(node: Schema) -> str:
    """A phrase such as `a whole number from 1 to 10000` for a node of the plain schema."""
    if "enum" in node:
        *words, last = map(str, node["enum"])
        return f"{', '.join(words)} or {last}" if words else last
    phrase = _PHRASES.get(node.get("type", ""))
    return phrase(node) if phrase else "anything"


def _number(node: Schema) -> str:
    kind = "a whole number" if node["type"] == "integer" else "a number"
    low, high = node.get("minimum"), node.get("maximum")
    if low is not None and high is not None:
        return f"{kind} from {low} to {high}"
    bounds = (
        ("at least", low),
        ("above", node.get("exclusiveMinimum")),
        ("at most", high),
        ("below", node.get("exclusiveMaximum")),
    )
    words = " and ".join(f"{word} {bound}" for word, bound in bounds if bound is not None)
    return f"{kind} {words}".rstrip()


def _text(node: Schema) -> str:
    words = "text"
    if "maxLength" in node:
        words += f" of {node.get('minLength', 1)} to {node['maxLength']} characters"
    if "pattern" in node:
        words += f" that matches {node['pattern']}"
    if "examples" in node:
        words += f", such as {node['examples'][0]}"
    return words


def _section(node: Schema) -> str:
    if "properties" in node:
        return f"a section with {', '.join(node['properties'])}"
    most = f"at most {node['maxProperties']} " if "maxProperties" in node else ""
    return f"{most}names with their values; each value: {allowed(node['additionalProperties'])}"


def _list(node: Schema) -> str:
    most = f" of at most {node['maxItems']}" if "maxItems" in node else ""
    return f"a list{most}; each item: {allowed(node['items'])}"


_PHRASES = {
    "integer": _number,
    "number": _number,
    "boolean": lambda node: "true or false",
    "string": _text,
    "array": _list,
    "object": _section,
}
