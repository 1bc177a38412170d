"""openapi.json, read by python3-jsonschema: it describes what the program really says (api_samples.cpp), and no less."""

import copy
import json
import subprocess
import sys
import unittest
from pathlib import Path

import jsonschema

ROOT = Path(__file__).resolve().parents[4]
DOCUMENT = json.loads((ROOT / "host/control/openapi.json").read_text(encoding="utf-8"))
SCHEMAS = DOCUMENT["components"]["schemas"]
SAMPLES = sys.argv.pop() if len(sys.argv) > 1 else ""


def validator(name):
    return jsonschema.Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]})


def objects(node):
    if isinstance(node, dict):
        if "properties" in node:
            yield node
        for value in node.values():
            yield from objects(value)
    elif isinstance(node, list):
        for value in node:
            yield from objects(value)


def references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


class Description(unittest.TestCase):
    def samples(self):
        lines = subprocess.run([SAMPLES], check=True, capture_output=True, text=True).stdout.splitlines()
        return [(name, json.loads(text)) for name, text in (line.split(" ", 1) for line in lines)]

    def test_is_openapi_3_1_with_schemas_of_json_schema(self):
        self.assertTrue(DOCUMENT["openapi"].startswith("3.1."))
        for schema in SCHEMAS.values():
            jsonschema.Draft202012Validator.check_schema(schema)

    def test_every_reference_leads_somewhere_and_every_schema_is_used(self):
        used = {reference.removeprefix("#/components/schemas/") for reference in references(DOCUMENT)}
        described = {"Event", "StateChange", "EventGap"}  # data of a stream, named in its description
        self.assertEqual(set(SCHEMAS), used | described)
        for name in described:
            self.assertIn(name, DOCUMENT["paths"]["/api/v1/events"]["get"]["description"])

    def test_every_answer_fits_its_schema(self):
        samples = self.samples()
        told = {"Status", "Change", "Changes", "Build", "Builds", "ServiceDetail", "Event", "LogRecord", "LogGap",
                "Snapshot", "Error"}
        self.assertLessEqual(told, {name for name, _ in samples})
        for name, sample in samples:
            with self.subTest(name):
                validator(name).validate(sample)

    def test_every_key_that_is_said_is_described(self):
        closed = copy.deepcopy(DOCUMENT)
        for entry in objects(closed["components"]["schemas"]):
            entry["additionalProperties"] = False
        for name, sample in self.samples():
            with self.subTest(name):
                schema = {"$ref": f"#/components/schemas/{name}", "components": closed["components"]}
                jsonschema.Draft202012Validator(schema).validate(sample)

    def test_a_key_that_is_missing_or_wrong_does_not_fit(self):
        for name, sample in self.samples():
            for key in sample:
                with self.subTest(f"{name}.{key}"):
                    self.assertFalse(validator(name).is_valid({k: v for k, v in sample.items() if k != key}))
                    self.assertFalse(validator(name).is_valid({**sample, key: [[]]}))

    def test_every_operation_says_what_it_is_and_how_it_fails(self):
        for path, methods in DOCUMENT["paths"].items():
            for method, operation in methods.items():
                with self.subTest(f"{method} {path}"):
                    self.assertTrue(operation["summary"] and operation["operationId"])
                    self.assertIn("200", operation["responses"])
                    if method != "get":
                        self.assertLessEqual({"401", "403", "404"}, set(operation["responses"]))
                        self.assertEqual([{"token": []}], operation["security"])


if __name__ == "__main__":
    unittest.main()
