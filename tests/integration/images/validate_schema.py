#!/usr/bin/env python3
"""validate_schema.py SCHEMA_FOLDER SCHEMA FILE...: each FILE against one JSON schema of the image-spec.

Prints how many it validated; ends with 1 and the reasons where one does not fit.
"""
import json
import pathlib
import sys

import jsonschema


def main() -> int:
    folder, name, *files = sys.argv[1:]
    schemas = {path.name: json.loads(path.read_text()) for path in pathlib.Path(folder).glob("*.json")}
    # The schemas name each other by file, beside their own address.
    base = "https://opencontainers.org/schema/"
    store = {base + key: value for key, value in schemas.items()}
    store |= {base + "image/" + key: value for key, value in schemas.items()}
    schema = schemas[name]
    resolver = jsonschema.RefResolver(schema["id"], schema, store=store, handlers={"https": no_network})
    validator = jsonschema.Draft4Validator(schema, resolver=resolver, format_checker=jsonschema.draft4_format_checker)
    failed = 0
    for file in files:
        for error in validator.iter_errors(json.loads(pathlib.Path(file).read_text())):
            print(f"{file}: {'/'.join(map(str, error.absolute_path))}: {error.message}", file=sys.stderr)
            failed += 1
    print(f"{name}: {len(files)} files validated")
    return 1 if failed or not files else 0


def no_network(address: str):
    raise LookupError(f"{address} is not among the schemas")


if __name__ == "__main__":
    sys.exit(main())
