"""Stands in for the Blender binary where a test starts hundreds: takes the same command line, does what the programs do to the
folder (report lines, a GLB, a .blend and a thumbnail), and no more. The real programs are tested with real Blenders.
"""

import json
import struct
import sys
import time
from pathlib import Path

module, request_file = sys.argv[sys.argv.index("--") + 1 :]
request = json.loads(Path(request_file).read_text())


def say(**line):
    with Path(request["report"]).open("a") as file:
        file.write(json.dumps(line) + "\n")


say(progress=0.5, message="Halfway")
time.sleep(float(request.get("parameters", {}).get("seconds", 0)))
if module == "headless.sculpt":
    document = b'{"asset":{"version":"2.0"}} '
    chunk = struct.pack("<I4s", len(document), b"JSON") + document
    Path(request["output"]).write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunk)) + chunk)
    say(done={"note": "Made by a stand-in."})
elif module == "headless.fit":
    say(done={"file": request["picture"]})
else:
    Path(request["blend"]).write_bytes(b"BLENDER")
    Path(request["thumbnail"]).write_bytes(b"PNG")
    say(done={"note": "1 face."})
