"""A trace as a tree for the terminal, in Korean or English."""

from typing import Literal

from rich.text import Text
from rich.tree import Tree

from hunmin.audit.trace import TraceNode, TraceSource

_KINDS = {
    "model": "모델",
    "checkpoint": "체크포인트",
    "evaluation": "평가",
    "ladder": "사다리",
    "tokenizer": "토크나이저",
    "corpus": "코퍼스",
    "canaries": "카나리아",
    "exposure": "노출도",
    "rollouts": "생성한 답",
    "rewards": "채점한 답",
    "collection": "자료 모음",
}

_ROLES = {
    "checkpoint": ("made from", "재료"),
    "evaluation": ("measured by", "성적을 잰"),
    "tokenizer": ("reads text by", "글을 나누는"),
    "corpus": ("learned from", "배운"),
    "base": ("went on from", "이어받은"),
    "canaries": ("had in its text", "글 사이에 넣은"),
    "exposure": ("memory measured by", "외운 것을 잰"),
    "rewards": ("learned from", "배운"),
    "rollouts": ("judged", "채점한"),
    "policy": ("answered by", "답한"),
    "reference": ("held to", "기준으로 삼은"),
}

_MEASURED = {
    "checkpoint": ("measured", "잰"),
    "corpus": ("measured on", "재는 데 쓴"),
    "canaries": ("measured by", "재는 데 쓴"),
}
_ROLES_OF = {
    "evaluation": _MEASURED,
    "exposure": _MEASURED,
    "rollouts": {"corpus": ("asked from", "질문을 가져온")},
}
"""What is called otherwise where such a step was made from it."""

_FACTS = {
    "parameters": ("parameters", "매개변수"),
    "vocab_size": ("vocabulary", "어휘"),
    "stage": ("stage", "단계"),
    "step": ("steps", "스텝"),
    "tokens_seen": ("tokens seen", "학습 토큰"),
    "loss": ("loss", "손실"),
    "heldout_loss": ("held-out loss", "검증 손실"),
    "bits_per_byte": ("bits per byte", "바이트당 비트"),
    "documents": ("documents", "문서"),
    "passages": ("passages", "대목"),
    "text_bytes": ("bytes of text", "텍스트 바이트"),
    "heldout_ranking_accuracy": ("held-out pairs ranked right", "옳게 가린 검증 쌍"),
    "chats": ("chats", "대화"),
    "preferences": ("preference pairs", "선호 쌍"),
    "prompts": ("prompts", "질문"),
    "answers": ("answers", "답"),
    "reward": ("mean reward", "평균 보상"),
    "license": ("license", "라이선스"),
}
"""The facts worth a line, in this order; `--json` has all of them."""

_STATES = {
    "whole": ("", ""),
    "missing": ("MISSING", "없음"),
    "broken": ("CHANGED", "변경됨"),
}

Language = Literal["ko", "en"]

_LEVEL_COLUMNS, _LABEL_COLUMNS = 4, 48
"""What each level of the tree is set in by, and what is left at least for words."""


def draw(node: TraceNode, language: Language) -> Tree:
    """Return the whole tree, ready to print."""
    tree = Tree(_label(node, language))
    _grow(tree, node, language)
    return tree


def width_needed(node: TraceNode) -> int:
    """Return how many columns the tree takes, so that its deepest lines can still be read."""
    return _LABEL_COLUMNS + _LEVEL_COLUMNS * _depth(node)


def _depth(node: TraceNode) -> int:
    return 1 + max(map(_depth, node.inputs), default=0)


def summary(node: TraceNode, language: Language) -> str:
    """Return one line: how many sources under which licenses, and whether the chain is whole."""
    sources = node.all_sources()
    licenses = sorted(
        {name for source in sources for name in (source.licenses or {source.license: 0})}
    )
    named = ", ".join(licenses) or "-"
    if language == "ko":
        state = "모든 연결을 확인했습니다." if node.whole() else "끊어진 연결이 있습니다."
        return f"출처 {len(sources)}개, 라이선스: {named}. {state}"
    state = "Every link was checked." if node.whole() else "Some links do not hold."
    return f"{len(sources)} sources, licenses: {named}. {state}"


def _grow(tree: Tree, node: TraceNode, language: Language) -> None:
    for problem in node.problems:
        tree.add(Text(problem.ko if language == "ko" else problem.en, style="red"))
    for source in node.sources:
        tree.add(_source(source, language))
    for child in node.inputs:
        roles = {**_ROLES, **_ROLES_OF.get(node.kind, {})}
        role = _pick(roles.get(child.role), language)
        _grow(tree.add(_label(child, language, role=role)), child, language)


def _label(node: TraceNode, language: Language, *, role: str = "") -> Text:
    text = Text()
    if role:
        text.append(f"{role} ", style="dim")
    text.append(f"{_KINDS.get(node.kind, node.kind) if language == 'ko' else node.kind} ")
    text.append(node.name, style="bold")
    text.append(f"  {node.sha256[:12]}", style="dim")
    if state := _pick(_STATES[node.state], language):
        text.append(f"  {state}", style="bold red")
    if node.repeated:
        text.append("  (위에 있음)" if language == "ko" else "  (see above)", style="dim")
    facts = [
        f"{_pick(names, language)} {_number(node.facts[key])}"
        for key, names in _FACTS.items()
        if key in node.facts
    ]
    if facts:
        text.append(f"\n{', '.join(facts)}", style="dim")
    return text


def _source(source: TraceSource, language: Language) -> Text:
    text = Text()
    text.append("출처 " if language == "ko" else "source ", style="dim")
    text.append(source.name, style="bold")
    licenses = ", ".join(f"{name} ({count:,})" for name, count in source.licenses.items())
    text.append(f"  {licenses or source.license}", style="green")
    count = f"{source.documents:,}"
    text.append(f"  문서 {count}건" if language == "ko" else f"  {count} documents")
    for line in (source.attribution, source.origin):
        if line:
            text.append(f"\n{line}", style="dim")
    return text


def _pick(pair: tuple[str, str] | None, language: Language) -> str:
    if pair is None:
        return ""
    return pair[1] if language == "ko" else pair[0]


def _number(value: str | float) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
