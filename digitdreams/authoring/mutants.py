"""Mutants of a function: small changes of its text, each a plausible mistake.

mutmut and cosmic-ray change files and start a test suite for each change. A reference
here is a function of a few lines that our own check compares within milliseconds, so
all that is needed of such a library is this list of changes, as `ast` offers them.
"""

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from typing import Any

ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
}
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
# Functions and methods that are taken for each other.
PAIRS = (
    *(("all", "any"), ("argmax", "argmin"), ("ceil", "floor"), ("max", "min")),
    *(("maximum", "minimum"), ("mean", "sum"), ("ones", "zeros"), ("std", "var")),
    ("ones_like", "zeros_like"),
)
TWINS = dict((*PAIRS, *((other, one) for one, other in PAIRS)))
# What may be forgotten around a value: f(x, ...) and x.f(...) become x.
FORGOTTEN = {
    *("abs", "array", "astype", "clip", "copy", "exp", "flatten", "int", "list", "log"),
    *("log1p", "max", "maximum", "min", "minimum", "nan_to_num", "relu", "reversed"),
    *("round", "set", "softmax", "sorted", "sqrt", "square", "tanh", "unique"),
}
# Where several places are equally good, another one may be taken.
TIED_PLACES = {"argmax", "argmin", "argsort"}
TIED_VALUES = {"max", "min", "sorted"}
SYMMETRIC = {
    *("allclose", "clip", "isclose", "logaddexp", "max", "maximum", "min", "minimum"),
}
UNSEEN = {"strict", "divide", "invalid"}  # keywords that only speak up
MODULES = {"itertools", "keras", "layers", "math", "np", "ops", "special", "tf"}


def mutants(function: ast.FunctionDef, dtypes: bool) -> Iterator[str]:
    """Change a function in one place at a time and describe each change.

    While a description is held, the tree is that mutant; then it is as before.
    Descriptions are unique within the function and name no lines, so they stay when
    code moves.

    Args:
        dtypes: whether the type of the result's numbers is compared.
    """
    seen: Counter[str] = Counter()
    for parents, field, place, node in nodes([function]):
        for other in alternatives(node, parents, dtypes):
            around = surroundings(parents, node)
            before = head(around)
            put(parents[-1], field, place, other)
            try:
                after = head(other if around is node else around)
                text = f"{function.name}: {before} -> {after}"
                seen[text] += 1
                if after != before:
                    yield text if seen[text] == 1 else f"{text} ({seen[text]})"
            finally:
                put(parents[-1], field, place, node)


def nodes(
    parents: list[Any],
) -> Iterator[tuple[list[Any], str, int | None, Any]]:
    """All nodes below the last parent: their parents, where they stand, themselves."""
    parent = parents[-1]
    for field, value in ast.iter_fields(parent):
        if field in ("annotation", "decorator_list", "format_spec", "ctx", "op", "ops"):
            continue
        several = isinstance(value, list)
        for place, node in enumerate(value if several else [value]):
            if isinstance(node, ast.AST):
                yield parents, field, place if several else None, node
                yield from nodes([*parents, node])


def put(parent: Any, field: str, place: int | None, node: Any) -> None:
    """Write a node into a field, or at a place of a list."""
    if place is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[place] = node


def head(node: Any) -> str:
    """A node's text in one line; of a compound statement what stands before its body.

    A statement that is left out is `pass`.
    """
    return ast.unparse(node).partition("\n")[0]


def surroundings(parents: list[Any], node: Any) -> Any:
    """The node, or the smallest part around it whose text a reader recognises."""
    for around in (node, *reversed(parents[1:])):
        if isinstance(around, ast.stmt):
            return around
        if isinstance(around, ast.expr) and len(head(around)) > 14:
            return around
    return node


def but(node: Any, **fields: Any) -> Any:
    """A copy of a node with other fields."""
    other = copy.copy(node)
    for name, value in fields.items():
        setattr(other, name, value)
    return other


def call(name: str, *arguments: ast.expr, like: ast.Call) -> ast.Call:
    """A call of a function by its name, with the keywords of another call."""
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), like.keywords)


def alternatives(node: Any, parents: list[Any], dtypes: bool) -> Iterator[Any]:
    """What may stand in a node's place by mistake."""
    match node:
        case ast.BinOp(op=op):
            if type(op) in ARITHMETIC:
                yield but(node, op=ARITHMETIC[type(op)]())
                yield from (node.left, node.right)
            if isinstance(op, ast.MatMult):
                yield but(node, left=node.right, right=node.left)
        case ast.Compare(ops=[op]):
            yield but(node, ops=[COMPARISONS[type(op)]()])
        case ast.BoolOp(values=values):
            yield from values
        case ast.UnaryOp(op=ast.USub() | ast.Not()):
            yield node.operand
        case ast.Constant(value=value):
            if not counts_for_nothing(parents):
                yield from constants(value)
        case ast.Attribute(attr="T"):
            yield node.value
        case ast.Call():
            yield from calls(node, dtypes)
        case ast.Slice():
            for bound in ("lower", "upper"):
                value = getattr(node, bound)
                if value is not None and not is_constant(value):
                    yield from (but(node, **{bound: one}) for one in beside(value))
        case ast.Lambda(body=ast.Tuple(elts=[first, *_])):
            yield but(node, body=first)  # a key that leaves ties open
        case ast.If() | ast.IfExp():
            yield from (but(node, test=ast.Constant(one)) for one in (True, False))
        case ast.comprehension(ifs=[*_, _]):
            yield but(node, ifs=[])
        case ast.Assign(targets=[ast.Name(name)], value=ast.BinOp(left=left) as value):
            yield ast.Pass()
            if isinstance(left, ast.Name) and left.id == name:
                yield ast.AugAssign(ast.Name(name, ast.Store()), value.op, value.right)
        case ast.Assign() | ast.Break() | ast.Continue():
            yield ast.Pass()
        case ast.AugAssign(op=op):
            yield ast.Pass()
            if type(op) in ARITHMETIC:
                yield but(node, op=ARITHMETIC[type(op)]())
        case ast.Expr(value=ast.Call()):
            yield ast.Pass()


def counts_for_nothing(parents: list[Any]) -> bool:
    """Whether any other constant would do: -1 in `x.reshape(-1, 3)`, `strict=True`."""
    match parents[-2:]:
        case [ast.Call(func=ast.Attribute(attr="reshape")), ast.UnaryOp(op=ast.USub())]:
            return True
        case [_, ast.keyword(arg=name)]:
            return name in UNSEEN
    return False


def constants(value: Any) -> Iterator[ast.Constant]:
    """Other constants: the other truth, one more or less, twice, nothing."""
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield from (ast.Constant(one) for one in (value + 1, value - 1))
    elif isinstance(value, float):
        yield ast.Constant(2 * value if value else 1.0)
        if 0 < value < 1e-3:
            yield ast.Constant(0.0)


def calls(node: ast.Call, dtypes: bool) -> Iterator[ast.expr]:
    """Another function, arguments in another order, a keyword or the call forgotten."""
    of_module, inside = False, node.args[:1]
    match node.func:
        case ast.Name(name):
            pass
        case ast.Attribute(value=value, attr=name):
            of_module = root_name(value) in MODULES
            if not of_module:
                inside = [value]
        case _:
            return
    if name in TWINS:
        field = "id" if isinstance(node.func, ast.Name) else "attr"
        yield but(node, func=but(node.func, **{field: TWINS[name]}))
    for keyword in node.keywords:
        if keyword.arg not in UNSEEN and (dtypes or keyword.arg != "dtype"):
            others = [one for one in node.keywords if one is not keyword]
            yield but(node, keywords=others)
    first_two = node.args[:2]
    if len(first_two) == 2 and name not in SYMMETRIC:
        yield but(node, args=[*reversed(first_two), *node.args[2:]])
    if len(node.args) == 3:
        one, two, three = node.args
        yield but(node, args=[one, three, two])
    if name in FORGOTTEN and inside and (dtypes or not only_changes_type(node, name)):
        yield inside[0]
    if name in TIED_PLACES and inside:
        rest = node.args[1:] if of_module else node.args
        yield call(f"other_{name}", *inside, *rest, like=node)
    if name in TIED_VALUES and isinstance(node.func, ast.Name) and len(node.args) == 1:
        yield call(f"other_{name}", *inside, like=node)
    if name == "range" and not is_constant(node.args[min(1, len(node.args) - 1)]):
        place = min(1, len(node.args) - 1)
        for stop in beside(node.args[place]):
            arguments = [*node.args[:place], stop, *node.args[place + 1 :]]
            yield but(node, args=arguments)


def only_changes_type(node: ast.Call, name: str) -> bool:
    """Whether a call turns numbers into floats and nothing else."""
    text = ast.unparse(node)
    return name == "astype" and ("float" in text or "dtype" in text)


def root_name(node: ast.expr) -> str | None:
    """`np` of `np.linalg`; None of what does not begin with a name."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def is_constant(node: ast.expr) -> bool:
    """Whether a node is a number; these are changed by themselves."""
    return isinstance(node, (ast.Constant, ast.UnaryOp))


def beside(value: ast.expr) -> Iterator[ast.expr]:
    """One more and one less."""
    for op in (ast.Add(), ast.Sub()):
        yield ast.BinOp(value, op, ast.Constant(1))
