"""What a test reads out of a bundle that verified."""

import json
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any


class Evidence:
    """A bundle that verified, read as anyone can read it."""

    def __init__(self, path: Path) -> None:
        with zipfile.ZipFile(path) as bundle:
            self.facts: dict[str, Any] = json.loads(bundle.read("session.json"))
            self.logs = {
                Path(name).stem: bundle.read(name).splitlines()
                for name in bundle.namelist()
                if name.endswith(".jsonl")
            }
            self.checkpoints = {
                Path(name).stem: bundle.read(name).decode()
                for name in bundle.namelist()
                if name.endswith(".checkpoint")
            }

    def records(self, kind: str | None = None, device: str | None = None) -> list[dict[str, Any]]:
        """The records of a device, or of all devices but the server."""
        found = [
            json.loads(line)
            for name, lines in self.logs.items()
            if name == device or (device is None and name != "server")
            for line in lines
        ]
        return [record for record in found if kind in {None, record["kind"]}]

    def handed_in(self) -> dict[str, Any]:
        """What was handed in, by item: each submission names the lines, by their digests."""
        (submission,) = self.records("submission")
        lines = self.logs[submission["device"]]
        given = {}
        for named in submission["answers"]:
            line = lines[named["seq"]]
            record = json.loads(line)
            assert sha256(line).hexdigest() == named["sha256"]
            assert (record["kind"], record["item"]) == ("answer", named["item"])
            given[record["item"]] = record["response"]
        return given

    def assert_whole(self) -> None:
        """Nothing is missing, and the first record is a browser's."""
        assert self.facts["missing"] == []
        for device in self.facts["devices"]:
            first = self.records(device=device)[0]
            assert first["kind"] == "hello"
            assert first["client"].startswith("proctor-web/")
            assert first["device_kind"] == "browser"
