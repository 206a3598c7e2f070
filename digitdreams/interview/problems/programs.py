"""Broken programs that run only when somebody asks for their answer."""

from collections.abc import Callable

from digitdreams.interview.problems import compiled


def program(source: str, name: str) -> Callable:
    """The function `name` of a program's text, compiled at the first call.

    Many programs import Keras, which takes seconds: listing problems must not.
    """
    kept = {}

    def answer(**case):
        if not kept:
            kept[name] = compiled(source, name)
        return kept[name](**case)

    answer.__name__ = name
    return answer
