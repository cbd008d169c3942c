"""A Locust user with a WebSocket, by websocket-client: one message each INTERVAL_MS, by Locust's constant_pacing."""

import os
import time

from locust import User, constant_pacing, task
from websocket import create_connection


class Member(User):
    host = os.environ["TARGET"]
    wait_time = constant_pacing(int(os.environ["INTERVAL_MS"]) / 1000)

    def on_start(self):
        self.socket = create_connection(self.host, timeout=10)

    @task
    def say(self):
        began, error, answer = time.perf_counter(), None, ""
        try:
            self.socket.send("x" * 64)
            answer = self.socket.recv()
        except Exception as caught:
            error = caught
        self.environment.events.request.fire(
            request_type="WS",
            name="message",
            response_time=(time.perf_counter() - began) * 1000,
            response_length=len(answer),
            exception=error,
        )

    def on_stop(self):
        self.socket.close()
