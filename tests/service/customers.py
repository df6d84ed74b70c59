# SPDX-License-Identifier: GPL-3.0-or-later
"""Those who talk to the services as an official client would, with plain requests. They know nothing of ours."""

import time

import requests


class Customer:
    """Talks to one of the services as an official client would."""

    def __init__(self, service, name, tasks="image-to-3d"):
        self.stand_in = service
        self.name = name
        self.url = f"{service.meshy_url}/v1/{tasks}" if name == "meshy" else service.csm_url + "/image-to-3d-sessions"
        self.headers = (
            {"Authorization": f"Bearer {service.meshy_key}"} if name == "meshy" else {"x-api-key": service.csm_key}
        )

    def ask(self, method, path="", **options):
        options = {"headers": self.headers, "timeout": 5, "allow_redirects": False} | options
        return requests.request(method, self.url + path, **options)

    def create(self, picture, **parameters):
        return self.ask("POST", json={"image_url": picture, **parameters})

    def made(self, picture, **parameters):
        """Create a task; its id."""
        answer = self.create(picture, **parameters)
        assert answer.ok, answer.text
        return answer.json()["result"] if self.name == "meshy" else answer.json()["data"]["session_code"]

    def task(self, task_id):
        answer = self.ask("GET", f"/{task_id}")
        assert answer.ok, answer.text
        return answer.json() if self.name == "meshy" else answer.json()["data"]

    def word(self, task):
        return task["status"] if self.name == "meshy" else task["session_status"]

    def glb_url(self, task):
        return task["model_urls"]["glb"] if self.name == "meshy" else task["mesh_url_glb"]


class ComfyCustomer:
    """Talks to a ComfyUI, the stand-in's or a real one, with plain requests."""

    def __init__(self, url, **headers):
        self.url = url
        self.headers = headers

    def ask(self, method, path, **options):
        options = {"headers": self.headers, "timeout": 10, "allow_redirects": False} | options
        return requests.request(method, self.url + path, **options)

    def get(self, path, **options):
        return self.ask("GET", path, **options)

    def post(self, path, content=None, **options):
        return self.ask("POST", path, json=content, **options)

    def told(self, path):
        answer = self.get(path)
        assert answer.ok, answer.text
        return answer.json()

    def upload(self, content, name="alpha.png", part="image", **fields):
        return self.ask("POST", "/upload/image", files={part: (name, content)}, data=fields)

    def prompt(self, graph, **fields):
        return self.post("/prompt", {"prompt": graph, **fields})

    def queued(self, graph, **fields):
        """Queue a graph; the id of the job."""
        answer = self.prompt(graph, **fields)
        assert answer.ok, answer.text
        return answer.json()["prompt_id"]

    def done(self, graph, **fields):
        """Queue a graph and wait for it; its entry in the history."""
        return self.over(self.queued(graph, **fields))

    def over(self, job_id):
        """Wait for a job; its entry in the history."""
        while not (entry := self.told(f"/history/{job_id}")):
            time.sleep(0.02)  # the suite's time limit ends a job that never is over
        return entry[job_id]

    def ids(self):
        """The ids of the jobs that run, and of those that wait."""
        queue = self.told("/queue")
        return [row[1] for row in queue["queue_running"]], [row[1] for row in queue["queue_pending"]]

    def runs(self, job_id):
        """Wait until a job runs."""
        while job_id not in self.ids()[0]:
            assert not self.told(f"/history/{job_id}")
            time.sleep(0.02)

    def view(self, file, **options):
        return self.get("/view", params=file, **options)
