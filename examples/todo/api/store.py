"""Todos in one JSON file: small enough to be written whole, so that a restart of the process keeps them.

A change is on disk, by rename, before the caller sees it. Calls may come from several threads.
"""

import json
import os
import threading
from pathlib import Path


class Store:
    def __init__(self, path):
        self._path = Path(path)
        self._lock = threading.Lock()
        saved = json.loads(self._path.read_text()) if self._path.exists() else {"next_id": 1, "todos": []}
        self._next_id = saved["next_id"]
        self._todos = {todo["id"]: todo for todo in saved["todos"]}

    def all(self):
        with self._lock:
            return list(self._todos.values())

    def get(self, todo_id):
        """The todo, or None."""
        with self._lock:
            return self._todos.get(todo_id)

    def add(self, fields):
        with self._lock:
            todo = {"id": self._next_id, **fields}
            self._todos[todo["id"]] = todo
            self._next_id += 1
            self._save()
            return todo

    def update(self, todo_id, fields):
        """The changed todo, or None where there is none of that id."""
        with self._lock:
            if todo_id not in self._todos:
                return None
            self._todos[todo_id] = {**self._todos[todo_id], **fields}
            self._save()
            return self._todos[todo_id]

    def remove(self, todo_id):
        """Whether there was one."""
        with self._lock:
            if self._todos.pop(todo_id, None) is None:
                return False
            self._save()
            return True

    def _save(self):
        text = json.dumps({"next_id": self._next_id, "todos": list(self._todos.values())})
        fresh = self._path.with_suffix(".new")
        fresh.write_text(text)
        os.replace(fresh, self._path)
