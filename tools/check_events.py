#!/usr/bin/env python3
"""Compares what Longview writes for TensorBoard with TensorBoard itself (pip install tensorboard).

  check_events.py RUN_FOLDER   reads the folder's event files with TensorBoard's reader and compares every scalar with
                               metrics.jsonl, every picture with its PNG header
  check_events.py --record     prints the bytes of the events in tests/train/records_test.cpp as TensorBoard writes them
"""
import io
import json
import math
import pathlib
import struct
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter


def record():
    scalar = Summary(value=[Summary.Value(tag="train/loss", simple_value=0.125)])
    image = Summary.Image(height=2, width=3, colorspace=3, encoded_image_string=b"PNG")
    picture = Summary(value=[Summary.Value(tag="picture", image=image)])
    events = {
        "VERSION": Event(wall_time=1.5, file_version="brain.Event:2"),
        "SCALAR": Event(wall_time=2.5, step=300, summary=scalar),
        "IMAGE": Event(wall_time=3.5, step=7, summary=picture),
        "RESTART": Event(wall_time=4.5, step=8, session_log=SessionLog(status=SessionLog.START)),
    }
    for name, event in events.items():
        stream = io.BytesIO()
        RecordWriter(stream).write(event.SerializeToString(deterministic=True))
        print(name, stream.getvalue().hex())


def written_scalars(folder):
    """(tag, step) -> value, as metrics.jsonl has it."""
    scalars = {}
    for line in (folder / "metrics.jsonl").read_text().splitlines():
        entry = json.loads(line)
        kind, step = entry.pop("kind"), entry.pop("step")
        entry.pop("epoch")
        for name, value in entry.items():
            scalars[f"{kind}/{name}", step] = math.nan if value is None else value
    return scalars


def check(folder):
    reader = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0})
    reader.Reload()
    read = {(tag, e.step): e.value for tag in reader.Tags()["scalars"] for e in reader.Scalars(tag)}
    written = written_scalars(folder)
    if read.keys() != written.keys():
        sys.exit(f"scalars differ: {sorted(read.keys() ^ written.keys())[:5]} ...")
    for key, value in written.items():
        single = struct.unpack("f", struct.pack("f", value))[0]
        if read[key] != single and not (math.isnan(single) and math.isnan(read[key])):
            sys.exit(f"{key}: TensorBoard reads {read[key]}, written was {single}")
    pictures = [e for tag in reader.Tags()["images"] for e in reader.Images(tag)]
    for e in pictures:
        size = struct.unpack(">II", e.encoded_image_string[16:24])
        if e.encoded_image_string[:8] != b"\x89PNG\r\n\x1a\n" or size != (e.width, e.height):
            sys.exit(f"a picture at step {e.step} is no PNG of {e.width} x {e.height}")
    print(f"TensorBoard reads all {len(written)} scalars and {len(pictures)} pictures of {folder}")


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] in ("-h", "--help"):
        sys.exit(__doc__)
    record() if sys.argv[1] == "--record" else check(pathlib.Path(sys.argv[1]))
