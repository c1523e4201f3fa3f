"""Stripe's object types, read out of the `stripe` package's source.

The package's classes are generated from Stripe's OpenAPI specification at the version that the package pins: fields are
annotations, their documentation is the string literal below, and names resolve through imports that exist for type
checkers only. So the source is read with `ast` and never imported.

    object_type("charge").field("amount").type                == Scalar("integer")
    object_type("charge").field("customer").type              == Expandable((Resource("customer"),))
    object_type("subscription").field("items").type           == ListOf(Resource("subscription_item"))
    object_type("subscription_item").field("price").type      == Resource("price")

`Resource` names another of Stripe's objects, to be followed with `object_type`: trees are finite, recursion is the
caller's to cut. Hashes that have no object name of their own stand inline as `ObjectType`.
"""

import ast
import importlib.util
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from inspect import cleandoc
from itertools import zip_longest
from pathlib import Path


@dataclass(frozen=True)
class Scalar:
    """A JSON scalar as it is on the wire.

    `kind` is JSON Schema's name: string, integer, number or boolean. `format` says what a string holds: `decimal`,
    `int64` (v2 writes large integers as strings) or `date-time` (v2 times, RFC 3339). v1 times are plain integers, Unix
    seconds. `values` are the values known at this version; Stripe adds new ones without notice.
    """

    kind: str
    format: str | None = None
    values: tuple[str | int, ...] = ()


@dataclass(frozen=True)
class Anything:
    """A value that Stripe leaves untyped."""


@dataclass(frozen=True)
class Array:
    """A JSON array."""

    items: "Type"


@dataclass(frozen=True)
class Map:
    """A hash with keys of the account's choosing (metadata, currency_options)."""

    values: "Type"


@dataclass(frozen=True)
class Resource:
    """Another of Stripe's objects, embedded whole. `name` is its object name."""

    name: str


@dataclass(frozen=True)
class Expandable:
    """An id, or on `expand[]` one of the objects."""

    targets: "tuple[Resource | ObjectType, ...]"


@dataclass(frozen=True)
class ListOf:
    """A list object embedded in its parent: {object, data, has_more, url}."""

    items: "Type"


@dataclass(frozen=True)
class Union:
    """One of several objects, told apart by their `object` field."""

    options: "tuple[Resource | ObjectType, ...]"


@dataclass(frozen=True)
class Field:
    """One field. `nullable` covers both null and absent: the types don't tell them apart."""

    name: str
    type: "Type"
    nullable: bool
    description: str


@dataclass(frozen=True)
class ObjectType:
    """A hash with known fields, in the order of the source (alphabetical).

    `name` is Stripe's object name (`checkout.session`), or the class's name for a hash without one. `deletable` says
    that the API answers `{"id", "object", "deleted": true}` once the object is gone; `deleted` is no field of `fields`.
    """

    name: str
    fields: tuple[Field, ...]
    description: str = ""
    deletable: bool = False

    def field(self, name: str) -> Field:
        """The field of that name; KeyError if there is none."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(f"{self.name} has no field {name!r}")


Type = Scalar | Anything | Array | Map | Resource | Expandable | ListOf | Union | ObjectType


@dataclass(frozen=True)
class ListOperation:
    """A GET that returns a list: its path template as the package writes it, and what the list holds."""

    path: str
    objects: tuple[str, ...]
    description: str


class UnknownObjectError(ValueError):
    """Stripe's types know no object of this name."""


_SCALARS = {
    "str": Scalar("string"),
    "int": Scalar("integer"),
    "float": Scalar("number"),
    "bool": Scalar("boolean"),
    "Decimal": Scalar("string", format="decimal"),
}
_ENCODINGS = {"decimal_string": "decimal", "int64_string": "int64"}
_CONTAINERS: dict[str, Callable[[Type], Type]] = {"List": Array, "UntypedStripeObject": Map, "ListObject": ListOf}
_V2_TIME_NAME = re.compile(r"^(created|updated|timestamp)$|_at$")
_V2_TIME_TEXT = re.compile(r"^(The )?[Tt]ime(stamp)? |RFC ?3339")
_NOT_OBJECTS = {"list", "search_result", "file_upload", "v2.search_result", "v2.deleted_object"}


@dataclass(frozen=True)
class _Scope:
    """Where a name is looked up: the body of the class it stands in, then the module. Class bodies don't nest."""

    module: str
    body: "dict[str, ast.ClassDef]"


def object_names() -> tuple[str, ...]:
    """Every object name that the types know, sorted."""
    return tuple(sorted(_classes()))


@cache
def object_type(name: str) -> ObjectType:
    """The type of one of Stripe's objects, by its object name (`charge`, `checkout.session`, `v2.core.account`).

    Raises UnknownObjectError.
    """
    try:
        module, class_name = _classes()[name]
    except KeyError:
        raise UnknownObjectError(f"the stripe package knows no object {name!r}") from None
    return _object(name, _module(module).classes[class_name], module)


@cache
def list_operations() -> tuple[ListOperation, ...]:
    """Every list operation of the package's services, sorted by path. Searches are left out."""
    found = {}
    for file in sorted(_root().glob("**/*_service.py")):
        module = ".".join(("stripe", *file.relative_to(_root()).with_suffix("").parts))
        for service in _module(module).classes.values():
            for operation in _operations(service, module):
                found[operation.path] = operation
    return tuple(found[path] for path in sorted(found))


@dataclass(frozen=True)
class _Module:
    classes: "dict[str, ast.ClassDef]"
    imports: dict[str, tuple[str, str]]


@cache
def _root() -> Path:
    # find_spec of a top-level package reads no code of it: importing stripe would cost a second.
    spec = importlib.util.find_spec("stripe")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("the stripe package is not installed: it is a development dependency of this project")
    return Path(spec.submodule_search_locations[0])


@cache
def _module(name: str) -> _Module:
    path = _root().joinpath(*name.split(".")[1:])
    tree = ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text("utf-8"))
    imports = {}
    for node in _top_level(tree.body):
        if isinstance(node, ast.ImportFrom) and node.module:
            imports.update({alias.asname or alias.name: (node.module, alias.name) for alias in node.names})
    return _Module({node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}, imports)


def _top_level(body: "list[ast.stmt]") -> Iterator[ast.stmt]:
    for node in body:
        yield node
        if isinstance(node, ast.If):  # if TYPE_CHECKING:
            yield from _top_level(node.body)


@cache
def _classes() -> dict[str, tuple[str, str]]:
    """Object name to (module, class), from the registry by which the package itself picks classes."""
    registry: dict[str, tuple[str, str]] = {}
    for node in ast.parse((_root() / "_object_classes.py").read_text("utf-8")).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Dict):
            registry.update(ast.literal_eval(node.value))
    return {name: place for name, place in registry.items() if name not in _NOT_OBJECTS}


def _object(name: str, definition: ast.ClassDef, module: str) -> ObjectType:
    scope = _Scope(module, {node.name: node for node in definition.body if isinstance(node, ast.ClassDef)})
    renamed, encoded = _constant(definition, "_field_remappings"), _constant(definition, "_field_encodings")
    fields, deletable = [], False
    for node, following in zip_longest(definition.body, definition.body[1:]):
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name) or node.value is not None:
            continue
        nullable, annotation = _optional(node.annotation)
        if node.target.id == "deleted" and ast.unparse(annotation) == "Literal[True]":
            deletable = True
            continue
        text = _text(following)
        field_type = _encoded(_type(annotation, scope), encoded.get(node.target.id))
        if field_type == Scalar("string") and module.startswith("stripe.v2.") and _is_time(node.target.id, text):
            field_type = Scalar("string", format="date-time")
        fields.append(Field(renamed.get(node.target.id, node.target.id), field_type, nullable, text))
    return ObjectType(name, tuple(fields), ast.get_docstring(definition) or "", deletable)


def _constant(definition: ast.ClassDef, name: str) -> dict[str, str]:
    for node in definition.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name:
            value = ast.literal_eval(node.value)
            return {str(key): str(item) for key, item in value.items()}
    return {}


def _text(node: ast.stmt | None) -> str:
    """The documentation below an annotation, if that is what the statement is."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return cleandoc(node.value.value).strip()
    return ""


def _is_time(name: str, text: str) -> bool:
    return bool(_V2_TIME_NAME.search(name) or _V2_TIME_TEXT.search(text))


def _encoded(plain: Type, encoding: str | None) -> Type:
    return Scalar("string", format=_ENCODINGS[encoding]) if encoding else plain


def _unquoted(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return ast.parse(node.value, mode="eval").body
    return node


def _optional(node: ast.expr) -> tuple[bool, ast.expr]:
    node = _unquoted(node)
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Optional":
        return True, _unquoted(node.slice)
    return False, node


def _type(node: ast.expr, scope: _Scope) -> Type:
    node = _unquoted(node)
    if isinstance(node, ast.Name):
        return _named(node.id, scope)
    if not isinstance(node, ast.Subscript):
        raise TypeError(f"{scope.module}: can't read the annotation {ast.unparse(node)}")
    arguments = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    head = ast.unparse(node.value)
    if head == "Literal":
        return _literal([ast.literal_eval(argument) for argument in arguments])
    options = [_type(argument, scope) for argument in arguments]
    if head == "Union":
        return _union(options)
    if head == "ExpandableField":
        return Expandable(_objects(options[0]))
    container = _CONTAINERS.get(head)
    if container is None:
        raise TypeError(f"{scope.module}: can't read the annotation {ast.unparse(node)}")
    return container(options[0])


def _literal(values: list[str | int]) -> Scalar:
    kinds = {bool: "boolean", int: "integer", str: "string"}
    return Scalar(kinds[type(values[0])], values=tuple(values))


def _union(options: list[Type]) -> Type:
    for option in options:
        if isinstance(option, Scalar) and option.values and Scalar(option.kind) in options:
            return option  # Union[Literal[...], str]: an open enum
    return Union(_only_objects(options))


def _objects(found: Type) -> tuple[Resource | ObjectType, ...]:
    return found.options if isinstance(found, Union) else _only_objects([found])


def _only_objects(options: list[Type]) -> tuple[Resource | ObjectType, ...]:
    objects = tuple(option for option in options if isinstance(option, Resource | ObjectType))
    if len(objects) != len(options):
        raise TypeError(f"not only objects: {options}")
    return objects


def _named(name: str, scope: _Scope) -> Type:
    if name in _SCALARS:
        return _SCALARS[name]
    if name == "Any":
        return Anything()
    if name in scope.body:
        return _object(name, scope.body[name], scope.module)
    module, original = _module(scope.module).imports.get(name, (scope.module, name))
    definition = _module(module).classes.get(original)
    if definition is None:
        raise TypeError(f"{scope.module}: can't find the class {name}")
    object_name = _object_name(definition)
    return Resource(object_name) if object_name else _object(original, definition, module)


def _object_name(definition: ast.ClassDef) -> str | None:
    for node in definition.body:
        if isinstance(node, ast.AnnAssign) and node.value and ast.unparse(node.target) == "OBJECT_NAME":
            return str(ast.literal_eval(node.value))
    return None


def _operations(service: ast.ClassDef, module: str) -> Iterator[ListOperation]:
    for method in service.body:
        if isinstance(method, ast.FunctionDef) and method.name == "list" and method.returns:
            result = _type(method.returns, _Scope(module, {}))
            if not isinstance(result, ListOf):
                raise TypeError(f"{module}: list() returns {ast.unparse(method.returns)}")
            paths = [node.value for node in ast.walk(method) if isinstance(node, ast.Constant)]
            path = next(path for path in paths if isinstance(path, str) and path.startswith(("/v1/", "/v2/")))
            objects = tuple(item.name for item in _objects(result.items))
            yield ListOperation(path, objects, ast.get_docstring(method) or "")
