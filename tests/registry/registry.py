#!/usr/bin/env python3
"""A small schema registry for tests: subjects, versions and ids over the REST API that Confluent's registry has.

    registry.py [--port N] [--state FILE] [--user NAME:PASSWORD] [--cert PEM --key PEM]

Listens on 127.0.0.1 and prints "port N" when it is ready. With --state, schemas are there again after a restart.
It checks nothing about schemas. How it behaves is set with PUT /test/mode {"mode": ...}:

    ok        as it should
    refuse    new schemas are not compatible (409)
    invalid   new schemas are not valid (422)
    broken    every answer is 500
    busy      every answer is 429
    garbage   answers are no JSON
    huge      answers do not end for 64 MB
    drop      connections are closed without an answer
    slow      answers come after 30 s
    moved     every answer is 302
"""

import argparse
import base64
import json
import os
import ssl
import sys
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock


class Registry:
    """What is kept: schemas by id, and lists of ids by subject."""

    def __init__(self, path):
        self.path, self.lock, self.mode, self.requests = path, Lock(), "ok", 0
        self.schemas, self.subjects = {}, {}
        if path and os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                kept = json.load(f)
            self.schemas = {int(i): s for i, s in kept["schemas"].items()}
            self.subjects = kept["subjects"]

    def save(self):
        if not self.path:
            return
        with open(self.path + ".new", "w", encoding="utf-8") as f:
            json.dump({"schemas": self.schemas, "subjects": self.subjects}, f)
        os.replace(self.path + ".new", self.path)

    def find(self, schema):
        return next((i for i, s in self.schemas.items() if s == schema), None)

    def add(self, subject, schema, wanted=None):
        schema = {
            "schema": schema["schema"],
            "schemaType": schema.get("schemaType", "AVRO"),
            "references": schema.get("references", []),
        }
        number = wanted or self.find(schema) or max(self.schemas, default=0) + 1
        self.schemas[number] = schema
        versions = self.subjects.setdefault(subject, [])
        if number not in versions:
            versions.append(number)
        self.save()
        return number


class Refusal(Exception):
    """An answer that is an error: status, code, words."""


def no_subject(name):
    return Refusal(404, 40401, f"Subject '{name}' not found.")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    registry = None
    user = None

    def log_message(self, *_):
        pass

    def handle(self):
        try:
            super().handle()
        except (ConnectionError, BrokenPipeError):
            pass  # the client has had enough

    def send(self, status, body, headers=()):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def describe(self, number, subject=None, version=None):
        out = {"id": number, **self.registry.schemas[number]}
        if out["schemaType"] == "AVRO":
            del out["schemaType"]  # as the real one: it is what is meant where nothing is said
        if not out["references"]:
            del out["references"]
        if subject is not None:
            out.update(subject=subject, version=version)
        return out

    def schema_by_id(self, number):
        if number not in self.registry.schemas:
            raise Refusal(404, 40403, f"Schema {number} not found")
        out = self.describe(number)
        del out["id"]
        return out

    def version_of(self, subject, version):
        ids = self.registry.subjects.get(subject)
        if not ids:
            raise no_subject(subject)
        number = len(ids) if version == "latest" else int(version)
        if not 1 <= number <= len(ids):
            raise Refusal(404, 40402, f"Version {version} not found.")
        return self.describe(ids[number - 1], subject, number)

    def post_version(self, subject, body):
        if self.registry.mode == "refuse":
            raise Refusal(409, 409, f"Schema being registered is incompatible with an earlier schema for subject \"{subject}\"")
        if self.registry.mode == "invalid":
            raise Refusal(422, 42201, "Invalid schema")
        return {"id": self.registry.add(subject, body)}

    def delete_subject(self, subject):
        ids = self.registry.subjects.pop(subject, None)
        if not ids:
            raise no_subject(subject)
        self.registry.save()
        return list(range(1, len(ids) + 1))

    def answer(self, method, steps, body):
        match method, steps:
            case "GET", ["subjects"]:
                return sorted(self.registry.subjects)
            case "GET", ["schemas", "ids", number]:
                return self.schema_by_id(int(number))
            case "GET", ["subjects", subject, "versions", version]:
                return self.version_of(subject, version)
            case "POST", ["subjects", subject, "versions"]:
                return self.post_version(subject, body)
            case "DELETE", ["subjects", subject]:
                return self.delete_subject(subject)
            case "PUT", ["test", "mode"]:
                self.registry.mode = body["mode"]
                return {}
            case "PUT", ["test", "ids", number]:  # a schema under an id that is given
                return {"id": self.registry.add(body["subject"], body, int(number))}
            case "GET", ["test", "requests"]:
                return {"requests": self.registry.requests}
        raise Refusal(404, 404, "HTTP 404 Not Found")

    def misbehave(self):
        """True: an answer was given, or none is."""
        mode = self.registry.mode
        if mode == "slow":
            time.sleep(30)
        if mode == "broken":
            self.send(500, {"error_code": 50001, "message": "Error in the backend data store"})
        elif mode == "busy":
            self.send(429, {"error_code": 42901, "message": "Too many requests"})
        elif mode == "garbage":
            self.send(200, b"<html>Welcome</html>")
        elif mode == "huge":
            self.send(200, b'{"schema":"' + b"x" * (64 << 20))
        elif mode == "moved":
            self.send(302, b"", [("Location", "/elsewhere")])
        elif mode != "drop":
            return False
        self.close_connection = True
        return True

    def handle_request(self):
        steps = [urllib.parse.unquote(s) for s in self.path.split("?")[0].split("/")[1:]]
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        expected = self.user and "Basic " + base64.b64encode(self.user.encode()).decode()
        if steps[0] != "test":
            self.registry.requests += 1
            if expected and self.headers.get("Authorization") != expected:
                self.send(401, {"error_code": 401, "message": "Unauthorized"})
                return
            if self.misbehave():
                return
        try:
            with self.registry.lock:
                out = self.answer(self.command, steps, json.loads(raw) if raw else None)
            self.send(200, out)
        except Refusal as e:
            status, code, words = e.args
            self.send(status, {"error_code": code, "message": words})

    do_GET = do_POST = do_PUT = do_DELETE = handle_request


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--state")
    parser.add_argument("--user")
    parser.add_argument("--cert")
    parser.add_argument("--key")
    options = parser.parse_args()
    Handler.registry, Handler.user = Registry(options.state), options.user
    ThreadingHTTPServer.daemon_threads = True
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    if options.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.cert, options.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print(f"port {server.server_address[1]}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
