"""The fixture of tests that write small files and read them back."""
import pytest


@pytest.fixture(autouse=True)
def in_temporary_folder(tmp_path, monkeypatch):
    """Runs each test in its `tmp_path`, so that its paths are relative."""
    monkeypatch.chdir(tmp_path)
