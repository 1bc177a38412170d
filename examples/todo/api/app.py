"""The todo API over HTTP. Settings come from the environment: PORT, TODO_FILE, LOG_LEVEL."""

import logging
import os
import signal
import sys
import time

from flask import Flask, g, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.serving import WSGIRequestHandler, make_server

from store import Store
from todo import Invalid, parse_changes, parse_new

log = logging.getLogger("api")
app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 64 * 1024
store = Store(os.environ.get("TODO_FILE", "/tmp/todos.json"))


@app.get("/healthz")
def healthz():
    return jsonify(status="ok")


@app.get("/api/todos")
def list_todos():
    return jsonify(store.all())


@app.post("/api/todos")
def create_todo():
    todo = store.add(parse_new(request.get_json(silent=True)))
    log.info("created todo=%d priority=%s due_date=%s", todo["id"], todo["priority"], todo["due_date"])
    return jsonify(todo), 201


@app.get("/api/todos/<int:todo_id>")
def read_todo(todo_id):
    return _found(store.get(todo_id), todo_id)


@app.patch("/api/todos/<int:todo_id>")
def update_todo(todo_id):
    changes = parse_changes(request.get_json(silent=True))
    answer = _found(store.update(todo_id, changes), todo_id)
    log.info("updated todo=%d fields=%s", todo_id, ",".join(changes))
    return answer


@app.delete("/api/todos/<int:todo_id>")
def delete_todo(todo_id):
    if not store.remove(todo_id):
        return _found(None, todo_id)
    log.info("deleted todo=%d", todo_id)
    return "", 204


@app.errorhandler(Invalid)
def invalid(error):
    return jsonify(error=str(error)), 400


@app.errorhandler(HTTPException)
def http_error(error):
    return jsonify(error=error.description), error.code


@app.before_request
def start_clock():
    g.started = time.monotonic()


@app.after_request
def log_request(response):
    if request.path != "/healthz":
        took_ms = (time.monotonic() - g.started) * 1000
        log.info("%s %s %d %.1fms", request.method, request.path, response.status_code, took_ms)
    return response


def _found(todo, todo_id):
    if todo is None:
        return jsonify(error=f"no todo {todo_id}"), 404
    return jsonify(todo)


class QuietHandler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, *_):
        pass


def main():
    logging.basicConfig(stream=sys.stdout, level=os.environ.get("LOG_LEVEL", "INFO").upper(),
                        format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # PID 1 ignores a signal that it has no handler for.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    port = int(os.environ.get("PORT", "8080"))
    server = make_server("0.0.0.0", port, app, threaded=True, request_handler=QuietHandler)
    log.info("listening port=%d todos=%d", port, len(store.all()))
    server.serve_forever()


if __name__ == "__main__":
    main()
