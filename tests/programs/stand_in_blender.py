"""Stands in for the Blender binary where a test starts hundreds: takes the same command line, does what the programs do
to the folder (report lines, a GLB, a .blend and a thumbnail), and no more. The real programs are tested with real
Blenders.

Without `--model`, the .blend is none. With it, that is the path of one, whose names are `PLACEHOLDER`: it becomes the
model, with the name that was asked for. Its names are replaced in the bytes, so it has to be uncompressed.

With `--draws-with PATH`, a thumbnail is drawn as soon as there is a file PATH, and where that holds "crash", it crashes
instead; with `--side PIXELS` it says that it is so large, with `--links-to PATH` it is a link. With `--bounds JSON`
the model has these bounds. With `--stuck PATH`, it sculpts and converts until there is a file PATH, and has nearly done.
"""

import json
import os
import select
import struct
import sys
import time
from pathlib import Path

module, request_file = sys.argv[sys.argv.index("--") + 1 :]
model = Path(sys.argv[sys.argv.index("--model") + 1]) if "--model" in sys.argv else None
draws_with = Path(sys.argv[sys.argv.index("--draws-with") + 1]) if "--draws-with" in sys.argv else None
side = int(sys.argv[sys.argv.index("--side") + 1]) if "--side" in sys.argv else 256
PNG_HEADER = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", side, side)
PLACEHOLDER = b"Name of the model, as long as names can be"


def starter_is_gone():
    return bool(select.select([0], [], [], 0)[0])  # nothing but its end ever comes through standard input


while not Path(request_file).exists():
    if starter_is_gone():
        sys.exit("The process that started this program is gone.")
    time.sleep(0.01)
request = json.loads(Path(request_file).read_text())


def say(**line):
    with Path(request["report"]).open("a") as file:
        file.write(json.dumps(line) + "\n")


def draw(content):
    while draws_with and not draws_with.exists():
        if starter_is_gone():
            sys.exit("The process that started this program is gone.")
        time.sleep(0.01)
    if draws_with and draws_with.read_text() == "crash":
        os.abort()
    if "--links-to" in sys.argv:
        Path(request["thumbnail"]).symlink_to(sys.argv[sys.argv.index("--links-to") + 1])
        return
    Path(request["thumbnail"]).write_bytes(PNG_HEADER + content)


say(progress=0.5, message="Halfway")
stuck = Path(sys.argv[sys.argv.index("--stuck") + 1]) if "--stuck" in sys.argv else None
while stuck and module in ("headless.sculpt", "headless.convert") and not stuck.exists() and not starter_is_gone():
    say(progress=0.95, message="Nearly")
    time.sleep(0.1)
time.sleep(float(request.get("parameters", {}).get("seconds", 0)))
if model and module == "headless.sculpt" and Path(request["picture"]).read_bytes()[:16].decode("latin-1").isprintable():
    say(error="The stand-in takes no text for a picture.")
    sys.exit(1)
if module == "headless.sculpt":
    for seen in request.get("views", {}).values():
        Path(seen["picture"]).read_bytes()  # it has to be there
    document = b'{"asset":{"version":"2.0"}} '
    chunk = struct.pack("<I4s", len(document), b"JSON") + document
    Path(request["output"]).write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunk)) + chunk)
    say(done={"note": "Made by a stand-in."})
elif module == "headless.draw":
    draw(b"drawn after all")
elif module == "headless.show":
    Path(request["shown"]).write_bytes(Path(request["blend"]).read_bytes())
    say(done={})
elif module == "headless.fit":
    say(done={"file": request["picture"]})
elif module == "headless.frame":
    Path(request["output"]).write_bytes(Path(request["picture"]).read_bytes())
    say(done={"file": request["output"]})
else:
    name = request["name"].encode()[: len(PLACEHOLDER)].ljust(len(PLACEHOLDER), b"\0")
    Path(request["blend"]).write_bytes(model.read_bytes().replace(PLACEHOLDER, name) if model else b"BLENDER")
    facts = {"note": "1 face."}
    if "--bounds" in sys.argv:
        facts["bounds"] = json.loads(sys.argv[sys.argv.index("--bounds") + 1].replace("'", '"'))
    say(done=facts)
    draw(b"drawn")
