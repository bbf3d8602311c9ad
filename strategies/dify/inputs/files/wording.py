"""What is said of a question's files, to the model and to the builder of the app."""

from collections.abc import Mapping
from dataclasses import dataclass

from strategies.protocols.base import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class FileWording:
    """One language's words."""

    heading: str
    attached: str
    follows: str
    cut: str
    garbled: str
    separator: str
    brackets: str
    too_large: str
    too_late: str
    empty: str
    not_text: str
    extractor: str


FILE_WORDING: Mapping[Language, FileWording] = {
    "en": FileWording(
        heading="Files of the user:",
        attached="Its content is attached.",
        follows="Its text follows.",
        cut="It is too long: the middle was left out.",
        garbled="Some of its characters could not be read.",
        separator=", ",
        brackets="{name} ({facts})",
        too_large="It is too large to be sent to the model.",
        too_late="It could not be read in time.",
        empty="It is empty.",
        not_text="It could not be read as text: it is not in UTF-8.",
        extractor="The model cannot read it; a Document Extractor node of Dify can read its text.",
    ),
    "zh": FileWording(
        heading="用户的文件：",
        attached="内容已附上。",
        follows="文本见下文。",
        cut="文件过长，中间部分已略去。",
        garbled="部分字符无法读取。",
        separator="，",
        brackets="{name}（{facts}）",
        too_large="文件过大，无法发送给模型。",
        too_late="未能及时读取。",
        empty="文件是空的。",
        not_text="无法作为文本读取：编码不是 UTF-8。",
        extractor="模型无法读取该文件；Dify 的文档提取器节点可以读取其文本。",
    ),
}
