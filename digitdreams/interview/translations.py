"""The words that the interview room prints in English and in Chinese.

Texts of questions and problems are not here: they stand in `content/`.
"""

from digitdreams.interview.bank import Text

TABLE = {
    "colon": Text(": ", "："),
    # an answer on the screen, on a card and in a report
    "short": Text("In short", "一句话"),
    "follow_ups": Text("Follow-ups", "追问"),
    "wrong": Text("Common wrong answers", "常见错误回答"),
    "rubric": Text(
        "What earns points (0, 1 or 2 each)", "评分要点（每项 0、1 或 2 分）"
    ),
    "as_of": Text("Checked for", "核对时间"),
    "sources": Text("Sources", "来源"),
    "lesson": Text("Lesson", "课程"),
    "practise": Text("Practise", "练习"),
    # a problem on the screen
    "limits": Text("Limits", "限制"),
    "examples": Text("Examples", "示例"),
    # the report of a mock interview
    "title": Text("Mock interview", "模拟面试"),
    "result": Text("Result", "结果"),
    "section": Text("section", "环节"),
    "done": Text("done", "完成"),
    "points": Text("points", "得分"),
    "planned": Text("minutes planned", "计划分钟"),
    "used": Text("used", "用时"),
    "study": Text("What to study", "需要复习"),
    "nothing": Text(
        "Nothing fell short of two thirds of its points.",
        "没有低于三分之二得分的题目。",
    ),
    "read": Text("read again", "重读"),
    "record": Text("The interview", "面试记录"),
    "given": Text("Your answer", "你的回答"),
    "spoken": Text("Answered aloud.", "口头作答。"),
    "open": Text("Not done.", "未完成。"),
    "answer": Text("A good answer", "参考回答"),
    "again": Text("The same interview again", "再来一次同样的面试"),
    "stopped": Text("Ended early", "提前结束"),
}


def in_language(language: str) -> dict[str, str]:
    """All words in "en" or "zh", by their keys."""
    return {key: text.in_language(language) for key, text in TABLE.items()}
