"""Texts with formulas and with prices: what the two readers of mathematics must agree on."""

FORMULAS: dict[str, list[str]] = {
    "넓이는 $\\pi r^2$입니다.": ["\\pi r^2"],
    "$x$와 $y$, 그리고 $f(x)$": ["x", "y", "f(x)"],
    "$10$은 짝수": ["10"],
    "$0 \\le t < 1$": ["0 \\le t < 1"],
    "$속도 = 거리 / 시간$": ["속도 = 거리 / 시간"],
    "\\(a + b\\)는 \\[c\\] 옆": ["a + b", "c"],
    "$$x^2$$": ["x^2"],
    "글 속의 $$x^2$$ 식": ["x^2"],
    "$$\na \\\\[2pt]\n- b\n= c\n$$\n다음": ["a \\\\[2pt]\n- b\n= c"],
    "\\[\n\\begin{matrix} 1 & 2 \\\\[1em] 3 & 4 \\end{matrix}\n\\]": [
        "\\begin{matrix} 1 & 2 \\\\[1em] 3 & 4 \\end{matrix}"
    ],
    "앞 글\n$$\ny\n$$\n뒤 글": ["y"],
    "- 항목\n\n  $$\n  z\n  $$\n- 항목": ["z"],
    "> $$\n> q\n> $$": ["q"],
    "**굵게 $a_1$ 그리고 $a_2$**": ["a_1", "a_2"],
    "| 식 |\n| --- |\n| $a^2$ |": ["a^2"],
    "$\\$5 + x$": ["\\$5 + x"],
}
"""What is mathematics in a text, in order."""

PRICES = (
    "$5와 $10",
    "$5, $7, $9",
    "$20,000에서 $30,000 사이",
    "US$5 또는 10$",
    "$5-$7",
    "$100~$200",
    "가격은 $3.50이고 세금은 $0.35입니다.",
    "(약 $5)에서 (약 $6)",
    "$5 + $3 = $8",
    "\\$x$",
    "`$x$`",
    "$PATH:$HOME",
    "$$ 식당과 $$ 식당",
    "$ x $",
    "$$$",
    "$$\n\n빈 줄\n\n$$",
    "\\(`코드`\\)",
    "    $$x$$",
)
"""Texts without mathematics."""
