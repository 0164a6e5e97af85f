"""Files for browsers: which there are, how they are served, and where they came from."""

import hashlib
import re
import tomllib
from urllib.parse import urljoin

import pytest

from hunmin import faces
from hunmin.web.assets import KINDS

COMMENTS = re.compile(r"(^|\s)//[^\n]*|/\*.*?\*/", re.MULTILINE | re.DOTALL)
VENDOR = faces.static_folders()["web"] / "vendor"


def test_a_file_is_kept_for_good_under_its_version_and_not_under_another(client):
    address = faces.asset("web/style.css")
    right = client.get(address)
    old = client.get(address.replace(faces.static_version(), "0123456789abcdef"))

    assert right.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert right.headers["content-type"] == "text/css; charset=utf-8"
    assert (old.status_code, old.headers["cache-control"]) == (200, "no-cache")
    assert "set-cookie" not in right.headers


def test_a_file_comes_compressed_to_whoever_takes_it_so(client):
    address = faces.asset("web/style.css")
    small = client.get(address, headers={"Accept-Encoding": "gzip, br"})
    plain = client.get(address, headers={"Accept-Encoding": "identity"})

    assert small.headers["content-encoding"] == "gzip"
    assert int(small.headers["content-length"]) < len(plain.content) / 2
    assert "content-encoding" not in plain.headers
    assert small.content == plain.content
    assert small.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"


def test_a_font_is_not_compressed_a_second_time(client):
    font = "web/vendor/pretendard-gov/PretendardGOV-Regular.subset.woff2"
    answer = client.get(faces.asset(font), headers={"Accept-Encoding": "gzip"})

    assert "content-encoding" not in answer.headers
    assert answer.headers["content-type"] == "font/woff2"


def test_a_file_is_guarded_and_the_page_that_says_there_is_none_keeps_its_look(client):
    file = client.get(faces.asset("web/style.css")).headers
    none = client.get("/static/x/web/none.css", headers={"Accept": "text/html"}).headers

    assert file["content-security-policy"] == "default-src 'none'"
    assert file["x-content-type-options"] == none["x-content-type-options"] == "nosniff"
    assert "default-src 'self'" in none["content-security-policy"]


@pytest.mark.parametrize(
    "name",
    [
        "web/../app.py",
        "web/../../settings/load.py",
        "web/%2e%2e/app.py",
        "../web/app.py",
        "web//style.css",
        "web/",
        "",
        "web/none.css",
        "/etc/passwd",
    ],
)
def test_nothing_else_is_served(client, name):
    assert client.get(f"/static/x/{name}").status_code == 404


def test_every_file_has_a_kind_that_is_served():
    for folder in faces.static_folders().values():
        for path in folder.rglob("*"):
            assert path.is_dir() or path.suffix in KINDS, path


def test_every_asset_a_stylesheet_or_script_names_is_there():
    folders = faces.static_folders()
    for room, folder in folders.items():
        for path in [*folder.rglob("*.css"), *folder.rglob("*.js")]:
            text = path.read_text("utf-8")
            named = re.findall(r"url\(([^)\"']+)\)", text) if path.suffix == ".css" else []
            named += re.findall(r"(?:from|import)\s*\"(\.[^\"]+)\"", text)
            for name in named:
                address = urljoin(f"/{room}/{path.relative_to(folder).as_posix()}", name)
                _, there, file = address.split("/", 2)
                assert (folders[there] / file).is_file(), f"{path.name}: {name}"


def test_an_asset_that_is_not_there_breaks_its_page_and_not_only_its_look():
    with pytest.raises(FileNotFoundError):
        faces.asset("web/none.css")


def vendored() -> dict[str, str]:
    packages = tomllib.loads((VENDOR / "VENDOR.toml").read_text("utf-8"))["package"]
    for package in packages:
        assert package["version"]
        assert package["license"]
        assert package["origin"]
        assert any("LICENSE" in name for name in package["sha256"]), package["name"]
    return {name: digest for package in packages for name, digest in package["sha256"].items()}


def test_every_file_of_others_is_the_one_that_is_on_record():
    found = {
        path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "VENDOR.toml"
    }
    assert found == vendored()


def test_nothing_is_loaded_from_outside():
    for folder in faces.static_folders().values():
        for path in folder.rglob("*"):
            if path.suffix in {".css", ".js", ".svg"} and "vendor" not in path.parts:
                text = path.read_text("utf-8").replace("http://www.w3.org/", "")
                code = COMMENTS.sub("", text)
                assert not re.search(r"//\w", code), path
