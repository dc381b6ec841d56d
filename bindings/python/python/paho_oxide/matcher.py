"""Values by topic filter, found by topic."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["MQTTMatcher"]

_NOTHING = object()


class MQTTMatcher:
    """A dictionary of topic filters, looked up by topics.

    A look-up costs what the levels of the topic cost, however many filters there are.
    """

    class Node:
        """One level of the filters."""

        __slots__ = "_children", "_content"

        def __init__(self) -> None:
            self._children: dict[str, MQTTMatcher.Node] = {}
            self._content: Any = _NOTHING

    def __init__(self) -> None:
        self._root = self.Node()

    def __setitem__(self, key: str, value: Any) -> None:
        """Keeps `value` under the topic filter `key`."""
        node = self._root
        for level in key.split("/"):
            node = node._children.setdefault(level, self.Node())
        node._content = value

    def __getitem__(self, key: str) -> Any:
        """Returns what is kept under the topic filter `key`.

        :raises KeyError: nothing is.
        """
        node: MQTTMatcher.Node | None = self._root
        for level in key.split("/"):
            node = node._children.get(level) if node else None
        if node is None or node._content is _NOTHING:
            raise KeyError(key)
        return node._content

    def __delitem__(self, key: str) -> None:
        """Removes the topic filter `key`.

        :raises KeyError: it is not there.
        """
        path = [self._root]
        levels = key.split("/")
        for level in levels:
            child = path[-1]._children.get(level)
            if child is None:
                raise KeyError(key)
            path.append(child)
        if path[-1]._content is _NOTHING:
            raise KeyError(key)
        path[-1]._content = _NOTHING
        for parent, level, node in zip(reversed(path[:-1]), reversed(levels), reversed(path[1:])):
            if node._children or node._content is not _NOTHING:
                break
            del parent._children[level]

    def iter_match(self, topic: str) -> Iterator[Any]:
        """Iterates over what is kept under the filters that match `topic`, in the order of their specificity.

        Filters that begin with a wildcard do not match topics that begin with ``$`` [MQTT-4.7.2-1].
        """
        levels = topic.split("/")
        last = len(levels)
        hidden = topic.startswith("$")
        # Nodes still to visit, the next one at the end, and the depth of each; a depth of -1 is for "#".
        todo: list[tuple[MQTTMatcher.Node, int]] = [(self._root, 0)]
        while todo:
            node, depth = todo.pop()
            if depth == -1 or depth == last:
                if node._content is not _NOTHING:
                    yield node._content
                if depth == -1:
                    continue
            children = node._children
            wild = not (hidden and depth == 0)
            if wild and "#" in children:
                todo.append((children["#"], -1))
            if depth < last:
                if wild and "+" in children:
                    todo.append((children["+"], depth + 1))
                exact = children.get(levels[depth])
                if exact is not None and levels[depth] not in ("#", "+"):
                    todo.append((exact, depth + 1))
