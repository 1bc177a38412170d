"""The published schema of synchost.yaml, read by python3-jsonschema as an editor reads it: what the parser takes
passes, what the parser refuses fails (config_schema_test.cpp holds the parser against the same files)."""

import json
import unittest
from pathlib import Path

import jsonschema
import yaml

ROOT = Path(__file__).resolve().parents[4]
FILES = Path(__file__).parent / "schema"
SCHEMA = json.loads((ROOT / "host/plan/synchost.schema.json").read_text(encoding="utf-8"))


def maps_with_properties(node):
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict):
            yield node
        for value in node.values():
            yield from maps_with_properties(value)
    elif isinstance(node, list):
        for value in node:
            yield from maps_with_properties(value)


class Schema(unittest.TestCase):
    def problems(self, file):
        validator = jsonschema.Draft7Validator(SCHEMA)
        return [error.message for error in validator.iter_errors(yaml.safe_load(file.read_text(encoding="utf-8")))]

    def test_is_a_schema(self):
        jsonschema.Draft7Validator.check_schema(SCHEMA)

    def test_takes_the_example(self):
        self.assertEqual([], self.problems(ROOT / "examples/todo/synchost.yaml"))

    def test_takes_what_the_parser_takes(self):
        files = sorted((FILES / "good").glob("*.yaml"))
        self.assertGreaterEqual(len(files), 9)
        for file in files:
            with self.subTest(file.name):
                self.assertEqual([], self.problems(file))

    def test_refuses_what_the_parser_refuses(self):
        files = sorted((FILES / "bad").glob("*.yaml"))
        self.assertGreaterEqual(len(files), 50)
        for file in files:
            with self.subTest(file.name):
                self.assertNotEqual([], self.problems(file))

    def test_describes_every_key_and_lets_no_unknown_one_in(self):
        maps = list(maps_with_properties(SCHEMA))
        self.assertEqual(14, len(maps))
        for entry in maps:
            self.assertIs(entry["additionalProperties"], False)
            for name, value in entry["properties"].items():
                self.assertTrue(value["description"], name)


if __name__ == "__main__":
    unittest.main()
