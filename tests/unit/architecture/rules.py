"""The rules that hold over the sources of the house: who may include whom, and the shape of a file.

Pure: a rule takes a path relative to the repository's root and the file's text, and returns what it finds wrong.
"""

import re
from typing import NamedTuple

# folder -> folders whose headers it may include beside its own
MAY_INCLUDE = {
    "base": set(),
    "protocol": {"base"},
    "agent": {"base", "protocol"},
    "registry-client": {"base"},
    "images": {"base", "registry-client"},
    "k8s": {"base"},
    "host": {"base", "protocol", "registry-client", "images", "k8s"},
}
LINE_LIMIT = 500
SOURCES = {".cpp", ".hpp", ".h", ".c"}
HEADERS = {".hpp", ".h"}

# Packages that cost every includer seconds of compile time, and the headers that may have them all the same.
HEAVY = re.compile(r"(nlohmann/json|httplib|yaml-cpp/)")
HEAVY_ALLOWED = {("k8s/manifest.hpp", "nlohmann/json.hpp")}
# What the static agent is made of stays free of the shared formatting libraries.
LEAN_FOLDERS = {"base", "protocol", "agent"}
FORMATTING = re.compile(r"(fmt|spdlog)/")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)

# As the formatter writes them: a namespace indents nothing, and its end says that it is one.
NAMESPACE = re.compile(r"^namespace ([\w:]*) ?\{")
NAMESPACE_END = re.compile(r"^\}  // namespace")
TYPE = re.compile(r"^(?:struct|class|enum class|union) (?:\[\[\w+\]\] )?(\w+)(?: final)?(?: : [^;]*)? \{")


class Violation(NamedTuple):
    path: str
    line: int
    text: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.text}"


def check(path, text):
    """All violations in one source file. `path` is relative to the root, with '/'."""
    found = [*_shape(path, text)]
    for match in INCLUDE.finditer(text):
        line = text.count("\n", 0, match.start(1 if match[1] else 2)) + 1
        problem = _own_include(path, match[1]) if match[1] else _package_include(path, match[2])
        if problem:
            found.append(Violation(path, line, problem))
    return found


def types_defined_twice(sources):
    """Of (path, text) pairs: the types that two files define outside of classes in one named namespace."""
    where = {}
    for path, text in sources:
        if path.split("/")[0] not in MAY_INCLUDE:
            continue
        spaces = []
        for line in text.splitlines():
            if opened := NAMESPACE.match(line):
                spaces.append(opened[1])
            elif NAMESPACE_END.match(line) and spaces:
                spaces.pop()
            elif (defined := TYPE.match(line)) and "" not in spaces:
                where.setdefault("::".join([*spaces, defined[1]]), set()).add(path)
    return [f"{name}: {', '.join(sorted(paths))}" for name, paths in sorted(where.items()) if len(paths) > 1]


def _own_include(path, included):
    folder, target = path.split("/")[0], included.split("/")[0]
    if folder not in MAY_INCLUDE:
        return None  # tests may see everything
    if target not in MAY_INCLUDE:
        return f'"{included}" is not named from the repository\'s root'
    if target != folder and target not in MAY_INCLUDE[folder]:
        return f"{folder} must not include {target} (\"{included}\")"
    room, detail, _ = included.rpartition("/detail/")
    if detail and not path.startswith(room + "/"):
        return f'"{included}" belongs to {room} alone'
    return None


def _package_include(path, included):
    folder = path.split("/")[0]
    if included == "boost/asio.hpp":
        return "<boost/asio.hpp> is all of Asio: include the headers that are needed"
    if _is_header(path) and HEAVY.match(included) and (path, included) not in HEAVY_ALLOWED:
        return f"<{included}> belongs in .cpp files"
    if folder in LEAN_FOLDERS and FORMATTING.match(included):
        return f"{folder} must not use <{included}>: the static agent does not link it"
    return None


def _shape(path, text):
    lines = text.splitlines()
    if len(lines) > LINE_LIMIT:
        yield Violation(path, LINE_LIMIT + 1, f"{len(lines)} lines; a file has at most {LINE_LIMIT}")
    if not _is_header(path):
        return
    if not lines or not lines[0].startswith("//"):
        yield Violation(path, 1, "a header starts with a comment that says what it is")
    code = next(((n, line) for n, line in enumerate(lines, 1) if line and not line.startswith("//")), (1, ""))
    if code[1] != "#pragma once":
        yield Violation(path, code[0], "after a header's first comment comes #pragma once")


def _is_header(path):
    return any(path.endswith(suffix) for suffix in HEADERS)
