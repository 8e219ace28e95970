"""What is in the built interface: small enough, whole, and of this host alone."""

import gzip
import json
import re
import subprocess
import sys

from tests.ui.conftest import ROOT

UI = ROOT / "ui"


def test_the_javascript_is_at_most_one_megabyte_compressed(built):
    sizes = {path.name: len(gzip.compress(path.read_bytes(), 9)) for path in built.glob("assets/*.js")}
    assert sum(sizes.values()) <= 1_000_000, sorted(sizes.items(), key=lambda one: -one[1])[:5]


def test_what_the_first_page_needs_does_not_hold_the_heavy_parts(built):
    entry = re.findall(r'src="/(assets/[^"]+\.js)"', (built / "index.html").read_text())
    assert len(entry) == 1
    text = (built / entry[0]).read_text()
    assert "uPlot" not in text
    assert "react-flow__" not in text
    assert len(gzip.compress(text.encode())) < 200_000


def test_pages_ask_no_other_host(built):
    page = (built / "index.html").read_text() + (built / "theme.js").read_text()
    assert re.findall(r"https?://", page) == []
    styles = "".join(path.read_text() for path in built.glob("assets/*.css"))
    assert re.findall(r"url\(\s*['\"]?(?:https?:)?//", styles) == []


def test_pages_hold_no_inline_script_or_style(built):
    page = (built / "index.html").read_text()
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", page) == []
    assert "<style" not in page
    assert not re.search(r"\son\w+=", page)


def test_the_page_to_export_holds_all_of_itself(built):
    page = (built / "export.html").read_text()
    assert page.count('<script id="plait-export" type="application/json">null</script>') == 1
    assert re.findall(r'<(?:script|link)[^>]*(?:src|href)="(?!data:)', page.split("</head>")[0]) == []
    assert "default-src 'none'" in page


def test_the_lock_file_leaves_the_address_to_whoever_installs():
    lock = json.loads((UI / "package-lock.json").read_text())
    assert [name for name, one in lock["packages"].items() if "resolved" in one] == []
    assert all("integrity" in one for name, one in lock["packages"].items() if name)


def test_the_types_are_those_of_the_server(tmp_path):
    """Made anew from the server's OpenAPI document they are what is in the repository: `make ui-types` mends it."""
    made = tmp_path / "schema.ts"
    subprocess.run(
        [sys.executable, "tools/ui.py", "schema", str(made)], cwd=ROOT, check=True, capture_output=True
    )
    assert made.read_text() == (UI / "src/api/schema.ts").read_text()
