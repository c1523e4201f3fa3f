"""Write the emulator's facts that the `stripe` package knows: every GET of the API, and what can be expanded.

    python -m tools.extract_emulator_facts

`endpoints.json` comes from the package's services (path, query parameters with their types, what is returned);
`objects.json` from its object types. The emulator's other facts (id prefixes, hidden fields, event types, products)
are kept by hand in the same folder: no type says them.
"""

import ast
import importlib.util
import json
import re
from pathlib import Path
from typing import Any

from tools import stripe_types
from tools.type_places import places

FACTS = Path(__file__).parents[1] / "stripe_emulator" / "facts"
PAGING = {"limit", "starting_after", "ending_before", "expand", "page"}
_SCALARS = {"str": "string", "int": "integer", "bool": "boolean", "float": "number", "Decimal": "string"}
_RANGE_KEYS = {"gt", "gte", "lt", "lte"}
# Named hashes that the types write out in full although any key is welcome.
_OPEN = {"Dict[str, str]", "Dict[str, str] | UntypedStripeObject[str]"}

_EMPTY = {"Literal['']"}  # how a value is unset

Json = dict[str, Any]


def main() -> None:
    """Rewrite both files, one endpoint or object a line."""
    _write(FACTS / "endpoints.json", {"gets": endpoints()})
    _write(FACTS / "objects.json", {"objects": objects()})


def endpoints() -> list[Json]:
    """Every GET: {path, objects, pages, params, required}. `pages` is cursor, v2, search, all or null (no list)."""
    found: dict[str, Json] = {}
    for file in sorted(_root().glob("**/*_service.py")):
        module = _Module(file)
        for service in module.classes.values():
            for node in service.body:
                if isinstance(node, ast.FunctionDef) and (row := _endpoint(node, module)):
                    found[row["path"]] = row
    return [found[path] for path in sorted(found)]


def objects() -> dict[str, Json]:
    """Per object: `expand` (path to the kinds an id expands to), `embed` (path to kinds that stand there whole),
    `lists` (path to the kinds of an embedded list), `deletable` (its GET answers `deleted: true` once it is gone)."""
    found: dict[str, Json] = {}
    for name in stripe_types.object_names():
        kind = stripe_types.object_type(name)
        there = places(kind)
        found[name] = {
            where: paths
            for where, paths in (("expand", there.ids), ("embed", there.whole), ("lists", there.lists))
            if paths
        }
        if kind.deletable:
            found[name]["deletable"] = True
    return found


def _write(path: Path, content: Json) -> None:
    (key, rows), *_ = content.items()
    if isinstance(rows, list):
        lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        path.write_text(f'{{"{key}": [\n{lines}\n]}}\n', "utf-8")
    else:
        lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(row, ensure_ascii=False)}" for name, row in rows.items())
        path.write_text(f'{{"{key}": {{\n{lines}\n}}}}\n', "utf-8")


def _endpoint(method: ast.FunctionDef, module: "_Module") -> Json | None:
    request = _request(method)
    if request is None or method.returns is None or ast.unparse(_unquoted(method.returns)) == "Any":
        return None
    returns = ast.unparse(_unquoted(method.returns))
    params, required = _parameters(method, module)
    pages = None
    if re.match(r"(ListObject|SearchResultObject)\[", returns):
        pages = "all"
        if returns.startswith("Search"):
            pages = "search"
        elif request.startswith("/v2/"):
            pages = "v2"
        elif "starting_after" in params:
            pages = "cursor"
    return {
        "path": request,
        "objects": module.object_names(returns),
        "pages": pages,
        "params": {name: spec for name, spec in params.items() if name not in PAGING},
        "required": required,
    }


def _request(method: ast.FunctionDef) -> str | None:
    """The path of a method that makes a GET."""
    for node in ast.walk(method):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "_request":
            verb, path = node.args[0], node.args[1]
            if isinstance(path, ast.Call) and isinstance(path.func, ast.Attribute):  # "...".format(...)
                path = path.func.value
            if isinstance(verb, ast.Constant) and verb.value == "get" and isinstance(path, ast.Constant):
                return str(path.value)
    return None


def _parameters(method: ast.FunctionDef, module: "_Module") -> tuple[Json, list[str]]:
    for argument in method.args.args:
        if argument.arg == "params" and argument.annotation is not None:
            names = re.findall(r"\w+Params\b", ast.unparse(_unquoted(argument.annotation)))
            file, name = module.find(names[0])
            return _hash(_Module(file), name)
    return {}, []


def _hash(module: "_Module", name: str) -> tuple[Json, list[str]]:
    params: Json = {}
    required = []
    for node in module.classes[name].body:
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        annotation = _unquoted(node.annotation)
        if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "NotRequired":
            annotation = _unquoted(annotation.slice)
        else:
            required.append(node.target.id)
        params[node.target.id] = _spec(annotation, module)
    return params, required


def _spec(node: ast.expr, module: "_Module") -> Any:
    """A query parameter's type: string, integer, boolean, range, map, {enum}, {list} or {hash, required}."""
    text = ast.unparse(node)
    if text in _SCALARS:
        return _SCALARS[text]
    if text in _OPEN:
        return "map"
    options = _options(node)
    if all(ast.unparse(option) in _SCALARS or ast.unparse(option) in _EMPTY for option in options):
        return _SCALARS[ast.unparse(options[-1])]
    for option in options:
        if isinstance(option, ast.Subscript) and ast.unparse(option.value) == "Literal":
            elements = option.slice.elts if isinstance(option.slice, ast.Tuple) else [option.slice]
            return {"enum": [ast.literal_eval(element) for element in elements]}
        if isinstance(option, ast.Subscript) and ast.unparse(option.value) == "List":
            return {"list": _spec(_unquoted(option.slice), module)}
        if isinstance(option, ast.Name) and option.id in module.classes:
            params, required = _hash(module, option.id)
            return "range" if set(params) == _RANGE_KEYS else {"hash": params, "required": required}
    raise TypeError(f"{module.path.name}: can't read the parameter type {text}")


def _options(node: ast.expr) -> list[ast.expr]:
    node = _unquoted(node)
    if isinstance(node, ast.BinOp):
        return [*_options(node.left), *_options(node.right)]
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Union":
        elements = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return [option for element in elements for option in _options(element)]
    return [node]


def _unquoted(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return ast.parse(node.value, mode="eval").body
    return node


def _root() -> Path:
    spec = importlib.util.find_spec("stripe")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("the stripe package is not installed: it is a development dependency of this project")
    return Path(spec.submodule_search_locations[0])


class _Module:
    """One source file of the package: its classes, and where its imported names come from."""

    def __init__(self, path: Path) -> None:
        self.path = path
        tree = ast.parse(path.read_text("utf-8"))
        self.classes = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
        self.imports: dict[str, str] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                self.imports.update({alias.asname or alias.name: node.module for alias in node.names})

    def find(self, name: str) -> tuple[Path, str]:
        """The file that defines an imported name."""
        return _root().joinpath(*self.imports[name].split(".")[1:]).with_suffix(".py"), name

    def object_names(self, returns: str) -> list[str]:
        """The object names of the classes in a return annotation."""
        names = []
        for class_name in re.findall(r"\w+", returns):
            if class_name in self.imports and self.imports[class_name].startswith("stripe."):
                file, _ = self.find(class_name)
                name = re.search(r'OBJECT_NAME: ClassVar\[\s*Literal\["([^"]+)"\]', file.read_text("utf-8"))
                if name and name[1] not in ("list", "search_result"):
                    names.append(name[1])
        return sorted(set(names))


if __name__ == "__main__":
    main()
