"""Stands in for the Blender binary where a test starts hundreds: takes the same command line, does what the programs do
to the folder (report lines, a GLB, a .blend and a thumbnail), and no more. The real programs are tested with real
Blenders.

Without `--model`, the .blend is none. With it, that is the path of one, whose names are `PLACEHOLDER`: it becomes the
model, with the name that was asked for. Its names are replaced in the bytes, so it has to be uncompressed.
"""

import json
import os
import struct
import sys
import time
from pathlib import Path

module, request_file = sys.argv[sys.argv.index("--") + 1 :]
model = Path(sys.argv[sys.argv.index("--model") + 1]) if "--model" in sys.argv else None
PLACEHOLDER = b"Name of the model, as long as names can be"
starter = os.getppid()
while not Path(request_file).exists():
    if os.getppid() != starter:
        sys.exit("The process that started this program is gone.")
    time.sleep(0.01)
request = json.loads(Path(request_file).read_text())


def say(**line):
    with Path(request["report"]).open("a") as file:
        file.write(json.dumps(line) + "\n")


say(progress=0.5, message="Halfway")
time.sleep(float(request.get("parameters", {}).get("seconds", 0)))
if model and module == "headless.sculpt" and Path(request["picture"]).read_bytes()[:16].decode("latin-1").isprintable():
    say(error="The stand-in takes no text for a picture.")
    sys.exit(1)
if module == "headless.sculpt":
    document = b'{"asset":{"version":"2.0"}} '
    chunk = struct.pack("<I4s", len(document), b"JSON") + document
    Path(request["output"]).write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunk)) + chunk)
    say(done={"note": "Made by a stand-in."})
elif module == "headless.draw":
    Path(request["thumbnail"]).write_bytes(b"PNG, drawn after all")
elif module == "headless.fit":
    say(done={"file": request["picture"]})
elif module == "headless.frame":
    Path(request["output"]).write_bytes(Path(request["picture"]).read_bytes())
    say(done={"file": request["output"]})
else:
    name = request["name"].encode()[: len(PLACEHOLDER)].ljust(len(PLACEHOLDER), b"\0")
    Path(request["blend"]).write_bytes(model.read_bytes().replace(PLACEHOLDER, name) if model else b"BLENDER")
    Path(request["thumbnail"]).write_bytes(b"PNG")
    say(done={"note": "1 face."})
