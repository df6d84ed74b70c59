# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody who talks to one of the services as an official client would, with plain requests. Knows nothing of ours."""

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
