"""House: the sources as they are obey the rules. Rules: each rule finds what it forbids, and only that."""

import unittest
from pathlib import Path

from rules import MAY_INCLUDE, SOURCES, check, types_defined_twice

ROOT = Path(__file__).resolve().parents[3]
HEADER = "// A thing.\n#pragma once\n"


def sources():
    for folder in [*MAY_INCLUDE, "tests", "cmake", "bench"]:
        for file in sorted((ROOT / folder).rglob("*")):
            if file.suffix in SOURCES and file.is_file() and "node_modules" not in file.parts:
                yield file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")


class House(unittest.TestCase):
    def test_sources_are_found(self):
        folders = {path.split("/")[0] for path, _ in sources()}
        self.assertLessEqual({"base", "protocol", "host", "tests"}, folders)

    def test_sources_obey_the_rules(self):
        found = [violation for path, text in sources() for violation in check(path, text)]
        self.assertEqual([], found, "\n" + "\n".join(map(str, found)))


    def test_no_two_rooms_define_one_type(self):
        # Two types of one name in one namespace are one to the linker, which keeps the functions of either.
        self.assertEqual([], types_defined_twice(sources()))


class Rules(unittest.TestCase):
    def problems(self, path, text):
        return [f"{violation.line}: {violation.text}" for violation in check(path, text)]

    def test_types_of_one_name_are_found_in_one_namespace_alone(self):
        def text(namespace, body):
            return f"namespace {namespace} {{\n{body}\n}}  // namespace {namespace}\n"

        found = types_defined_twice([("host/a/x.hpp", text("synchost::host", "struct A {\n};\nstruct B;")),
                                     ("host/b/y.hpp", text("synchost::host", "class A final {\n};")),
                                     ("k8s/z.hpp", text("synchost::k8s", "struct A {\n};")),
                                     ("host/c.hpp", text("synchost::host", "class B {\n    struct A {\n    };\n};"))])
        self.assertEqual(["synchost::host::A: host/a/x.hpp, host/b/y.hpp"], found)
        anonymous = "namespace synchost {\nnamespace {\nstruct A {\n};\n}  // namespace\n}  // namespace synchost\n"
        self.assertEqual([], types_defined_twice([("host/a.cpp", anonymous), ("host/b.cpp", anonymous)]))

    def test_forbidden_folder_is_found_with_its_line(self):
        self.assertEqual(['3: protocol must not include host ("host/cli/main.hpp")'],
                         self.problems("protocol/a.hpp", HEADER + '#include "host/cli/main.hpp"\n'))

    def test_agent_and_host_never_meet(self):
        self.assertTrue(self.problems("agent/main.cpp", '#include "host/link/agent_link.hpp"\n'))
        self.assertTrue(self.problems("host/main.cpp", '#include "agent/apply/apply.hpp"\n'))

    def test_every_folder_may_include_exactly_its_list(self):
        for folder, allowed in MAY_INCLUDE.items():
            for target in MAY_INCLUDE:
                refused = bool(self.problems(f"{folder}/a.cpp", f'#include "{target}/b.hpp"\n'))
                self.assertEqual(refused, target not in allowed | {folder}, f"{folder} -> {target}")

    def test_spacing_does_not_hide_an_include(self):
        self.assertTrue(self.problems("base/a.cpp", '\n  #  include\t"host/a.hpp"\n'))

    def test_include_in_a_comment_is_none(self):
        self.assertEqual([], self.problems("base/a.cpp", '// #include "host/a.hpp"\n'))

    def test_include_relative_to_the_file_is_found(self):
        self.assertTrue(self.problems("base/a.cpp", '#include "file.hpp"\n'))
        self.assertTrue(self.problems("agent/a.cpp", '#include "../host/a.hpp"\n'))

    def test_detail_is_for_its_own_room(self):
        include = '#include "images/layer/detail/tar.hpp"\n'
        self.assertEqual([], self.problems("images/layer/layer.cpp", include))
        self.assertTrue(self.problems("images/store/store.cpp", include))
        self.assertEqual([], self.problems("tests/unit/images/layer/tar_test.cpp", include))

    def test_whole_asio_is_found_in_tests_too(self):
        self.assertTrue(self.problems("tests/unit/host/a_test.cpp", "#include <boost/asio.hpp>\n"))
        self.assertEqual([], self.problems("host/a.cpp", "#include <boost/asio/awaitable.hpp>\n"))

    def test_heavy_packages_stay_out_of_headers(self):
        for package in ("nlohmann/json.hpp", "httplib.h", "yaml-cpp/yaml.h"):
            self.assertTrue(self.problems("host/a.hpp", HEADER + f"#include <{package}>\n"))
            self.assertEqual([], self.problems("host/a.cpp", f"#include <{package}>\n"))
        self.assertEqual([], self.problems("k8s/manifest.hpp", HEADER + "#include <nlohmann/json.hpp>\n"))
        self.assertTrue(self.problems("k8s/manifest.hpp", HEADER + "#include <yaml-cpp/yaml.h>\n"))

    def test_agent_side_uses_no_formatting_library(self):
        self.assertTrue(self.problems("protocol/a.cpp", "#include <fmt/format.h>\n"))
        self.assertEqual([], self.problems("host/a.cpp", "#include <fmt/format.h>\n"))

    def test_header_starts_with_comment_then_pragma_once(self):
        self.assertEqual([], self.problems("base/a.hpp", "// One.\n// Two.\n\n#pragma once\n"))
        self.assertTrue(self.problems("base/a.hpp", "#pragma once\n"))
        self.assertTrue(self.problems("base/a.hpp", "// A thing.\n#include <string>\n#pragma once\n"))
        self.assertTrue(self.problems("base/a.hpp", ""))

    def test_line_limit_and_limit_plus_one(self):
        self.assertEqual([], self.problems("base/a.cpp", "\n" * 500))
        self.assertEqual(["501: 501 lines; a file has at most 500"], self.problems("base/a.cpp", "\n" * 501))


if __name__ == "__main__":
    unittest.main()
