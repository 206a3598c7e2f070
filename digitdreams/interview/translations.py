"""The words that the interview room prints in English and in Chinese.

Texts of questions and problems are not here: they stand in `content/`. Messages that
other modules raise or write in English are translated where they are shown (see
`translated`), so that those modules need to know of no language.
"""

import re
from functools import cache

from digitdreams.interview.bank import Text

TABLE = {
    "colon": Text(": ", "："),
    "comma": Text(", ", "，"),
    # names
    "junior": Text("junior", "初级"),
    "middle": Text("middle", "中级"),
    "senior": Text("senior", "高级"),
    "concept": Text("concept", "概念"),
    "derivation": Text("derivation", "推导"),
    "number": Text("number", "计算"),
    "code reading": Text("code reading", "读代码"),
    "design": Text("design", "设计"),
    "trap": Text("trap", "辨析"),
    "problem": Text("problem", "编程题"),
    "bug hunt": Text("bug hunt", "找错题"),
    "all": Text("all", "全部"),
    "classifiers": Text("classifiers", "分类器"),
    "autoencoders": Text("autoencoders", "自编码器"),
    "vae": Text("vae", "变分自编码器"),
    "gan": Text("gan", "生成对抗网络"),
    "training_failures": Text("training_failures", "训练失败"),
    "conditional": Text("conditional", "条件生成"),
    "metrics": Text("metrics", "评价指标"),
    "attention": Text("attention", "注意力"),
    "autoregressive": Text("autoregressive", "自回归"),
    "diffusion_flow": Text("diffusion_flow", "扩散与流"),
    "text_encoders": Text("text_encoders", "文本编码器"),
    "text_to_image": Text("text_to_image", "文生图"),
    "captioning": Text("captioning", "图像描述"),
    "editing": Text("editing", "图像编辑"),
    "cost_scale": Text("cost_scale", "成本与规模"),
    "privacy_responsibility": Text("privacy_responsibility", "隐私与责任"),
    "control_adapters": Text("control_adapters", "控制与适配器"),
    "diffusion_architectures": Text("diffusion_architectures", "扩散模型结构"),
    "samplers_distillation": Text("samplers_distillation", "采样器与蒸馏"),
    "preference_tuning": Text("preference_tuning", "偏好调优"),
    "data_captions": Text("data_captions", "数据与描述"),
    "masked_models": Text("masked_models", "掩码模型"),
    "multimodal_models": Text("multimodal_models", "多模态模型"),
    "video": Text("video", "视频"),
    "representations": Text("representations", "表示学习"),
    "safety_copyright": Text("safety_copyright", "安全与版权"),
    "llm_engineering": Text("llm_engineering", "大模型工程"),
    "again": Text("again", "重来"),
    "hard": Text("hard", "困难"),
    "good": Text("good", "良好"),
    "easy": Text("easy", "轻松"),
    # an answer on the screen, on a card and in a report
    "short": Text("In short", "一句话"),
    "follow_ups": Text("Follow-ups", "追问"),
    "follow_up": Text("Follow-up", "追问"),
    "wrong": Text("Common wrong answers", "常见错误回答"),
    "wrong_claim": Text("“{claim}” **Wrong:** {why}", "“{claim}” **错**：{why}"),
    "rubric": Text(
        "What earns points (0, 1 or 2 each)", "评分要点（每项 0、1 或 2 分）"
    ),
    "as_of": Text("Checked for", "核对时间"),
    "sources": Text("Sources", "来源"),
    "lesson": Text("Lesson", "课程"),
    "lesson_place": Text(
        "lessons/{stem}.ipynb, {cell}", "lessons/{stem}.ipynb，{cell}"
    ),
    "practise": Text("Practise", "练习"),
    "more": Text("The whole answer", "完整回答"),
    # a problem on the screen
    "limits": Text("Limits", "限制"),
    "examples": Text("Examples", "示例"),
    "check": Text("Check", "检查"),
    "hint": Text("Hint", "提示"),
    "written": Text("Written to {path}", "已写入 {path}"),
    "fill_in": Text("Fill in the function, then type:", "补全函数，然后输入："),
    "printed": Text("Your program printed:", "程序的输出："),
    "not_yet": Text("Not yet: ", "还不对："),
    "hint_number": Text(
        "Hint {number} of {count}: {hint}", "提示 {number}/{count}：{hint}"
    ),
    "next": Text("Next: {command}", "下一条：{command}"),
    # lists
    "questions_count": Text("{count} questions", "共 {count} 道题"),
    "problems_count": Text(
        "{count} problems, {hunts} of them bug hunts",
        "共 {count} 道编程题，其中找错题 {hunts} 道",
    ),
    # questions at the terminal
    "please_type": Text(
        "Please type one of {letters}, or q to stop.",
        "请输入 {letters} 之一，输入 q 停止。",
    ),
    "not_text": Text(
        "That was not text in this terminal's encoding; please type it again.",
        "输入的内容不符合终端编码，请重新输入。",
    ),
    "answer_aloud": Text(
        "Answer aloud and press Enter, or write and end with an empty line.",
        "口头回答后按回车；或写下回答，以空行结束。",
    ),
    "rating": Text("rating: ", "评分："),
    "stopped_by": Text("Stopped: {how}.", "已停止：{how}。"),
    # the quiz
    "due_today": Text("Due today: {count}", "今天到期：{count} 道"),
    "due_now": Text("{count} now", "现在 {count} 道"),
    "due_later": Text("{count} later today", "今天稍后 {count} 道"),
    "due_tomorrow": Text("tomorrow: {count}", "明天：{count} 道"),
    "due_week": Text("in the next seven days: {count}", "今后七天：{count} 道"),
    "nothing_due_today": Text("Nothing is due today.", "今天没有到期的题。"),
    "new_questions": Text("new: {count}", "新题：{count} 道"),
    "quit_any_time": Text(
        "Type q to stop at any time; the same command goes on from there.",
        "随时输入 q 停止；再次运行同一命令会接着做。",
    ),
    "going_on": Text(
        "Going on with the quiz that you left on {date}: {rated} rated, {new} new "
        "left. --restart begins anew.",
        "接着 {date} 中断的练习：已评分 {rated} 道，剩余新题 {new} 道。"
        "加 --restart 重新开始。",
    ),
    "began": Text("You began last time:", "上次写了一部分："),
    "how_was_it": Text(
        "How was it? 1 again, 2 hard, 3 good, 4 easy (s skip, q stop)",
        "答得怎么样？1 重来，2 困难，3 良好，4 轻松（s 跳过，q 停止）",
    ),
    "comes_again": Text("Comes again {when}.", "下次复习：{when}。"),
    "now": Text("now", "现在"),
    "in_minutes": Text("in {count} minutes", "{count} 分钟后"),
    "in_minute": Text("in 1 minute", "1 分钟后"),
    "in_hours": Text("in {count} hours", "{count} 小时后"),
    "in_hour": Text("in 1 hour", "1 小时后"),
    "in_days": Text("in {count} days", "{count} 天后"),
    "in_day": Text("in 1 day", "1 天后"),
    "nothing_due": Text(
        "Nothing is due. --new asks more that are new.",
        "没有到期的题。用 --new 可以做更多新题。",
    ),
    "saved": Text(
        "{count} ratings{detail} saved in {path}",
        "{count} 次评分{detail}，已保存到 {path}",
    ),
    "saved_one": Text(
        "1 rating{detail} saved in {path}", "1 次评分{detail}，已保存到 {path}"
    ),
    "detail": Text(" ({parts})", "（{parts}）"),
    # progress
    "topic": Text("topic", "主题"),
    "seen": Text("seen", "做过"),
    "of": Text("of", "总数"),
    "due": Text("due", "到期"),
    "know": Text("know", "掌握"),
    "ratings": Text("Ratings: {ratings}", "评分：{ratings}"),
    "spent": Text("{minutes} minutes on {days} day(s)", "共 {minutes} 分钟，{days} 天"),
    "kept_in": Text("Kept in {path}", "保存在 {path}"),
    "exported": Text(
        "{count} ratings written to {path}", "已把 {count} 次评分写入 {path}"
    ),
    "imported": Text("{count} ratings added", "新增 {count} 次评分"),
    "deck_written": Text(
        "{count} notes written to {path}. In Anki: File, Import.",
        "已把 {count} 张笔记写入 {path}。在 Anki 中选择“文件”“导入”。",
    ),
    # a mock interview at the terminal
    "no_problems": Text(
        "This copy of the course holds no problems: no coding part follows.",
        "这份课程不含编程题，因此没有编程环节。",
    ),
    "welcome": Text(
        "Mock interview: {role}, {level}, {minutes} minutes, seed {seed}. {count} "
        "items. Type q to stop; what is done so far is reported.",
        "模拟面试：{role}，{level}，{minutes} 分钟，种子 {seed}，共 {count} 题。"
        "输入 q 停止，已完成的部分会写进报告。",
    ),
    "any_role": Text("any role", "不限岗位"),
    "research_scientist": Text("research scientist", "研究科学家"),
    "applied_scientist": Text("applied scientist", "应用科学家"),
    "ml_engineer": Text("ML engineer", "机器学习工程师"),
    "multimodal_llm_engineer": Text("multimodal LLM engineer", "多模态大模型工程师"),
    "screen": Text("screen", "电话面试"),
    "round": Text("round", "一轮"),
    "long": Text("long", "长的一轮"),
    "loop": Text("loop", "全天四轮"),
    "warm_up": Text("Warm-up", "热身"),
    "concepts": Text("Concepts", "概念"),
    "derivations": Text("Derivation", "推导"),
    "coding": Text("Coding", "编程"),
    "designs": Text("Design", "设计"),
    "number_of": Text("{number} of {count}", "第 {number} 题，共 {count} 题"),
    "section_time": Text(
        "About {minutes} minutes; {used} of {all} are used.",
        "约 {minutes} 分钟；总共 {all} 分钟，已用 {used} 分钟。",
    ),
    "section_took": Text(
        "{section}: {used} of about {planned} minutes.",
        "{section}：用时 {used}，计划约 {planned} 分钟。",
    ),
    "time_is_over": Text(
        "The time is over: type q to end here, or go on.",
        "时间已到：输入 q 结束，也可以继续。",
    ),
    "hint_price": Text(
        "h and Enter gives a hint, for a fifth of the points.",
        "输入 h 并回车可得到提示，每条扣五分之一的分数。",
    ),
    "hint_claim": Text(
        "Hint: a common wrong answer is “{claim}” Why does it fail?",
        "提示：常见的错误回答是“{claim}”它错在哪里？",
    ),
    "hint_point": Text("Hint: {point}.", "提示：{point}。"),
    "no_hint": Text("There is no further hint.", "没有更多提示了。"),
    "how_right": Text(
        "How was it? 1 missed, 2 partly, 3 right, 4 right and complete",
        "答得怎么样？1 没答上，2 部分正确，3 正确，4 正确且完整",
    ),
    "of_four": Text("{points} of 4", "{points}/4"),
    "rate_design": Text(
        "Rate your design: 0 no, 1 partly, 2 yes.",
        "给你的设计评分：0 没有，1 部分，2 做到。",
    ),
    "points_prompt": Text("points: ", "得分："),
    "points_of": Text("{points} of {most}", "{points}/{most}"),
    "your_file": Text("Your file: {path}", "你的文件：{path}"),
    "open_with": Text(
        "Open it with {program}; come back here to check it.",
        "用{program}打开它；写完后回到这里检查。",
    ),
    "your_editor": Text("your editor", "编辑器"),
    "jupyter": Text("jupyter lab", " jupyter lab "),
    "coding_menu": Text(
        "Enter check, h hint (a fifth of the points), e editor, s give up, q end",
        "回车 检查，h 提示（扣五分之一的分数），e 编辑器，s 放弃，q 结束",
    ),
    "coding_prompt": Text("coding: ", "编程："),
    "no_editor": Text(
        "Set the environment variable EDITOR to your editor.",
        "请把环境变量 EDITOR 设为你的编辑器。",
    ),
    "not_startable": Text(
        "{program} cannot be started ({reason}): open the file yourself.",
        "无法启动 {program}（{reason}）：请自己打开文件。",
    ),
    "not_solved": Text("not solved", "未解出"),
    "right": Text("right", "正确"),
    "checks": Text("{count} checks", "检查 {count} 次"),
    "one_check": Text("1 check", "检查 1 次"),
    "hints": Text("{count} hints", "提示 {count} 条"),
    "one_hint": Text("1 hint", "提示 1 条"),
    "items_done": Text(
        "{done} of {count} items done; points: {score}",
        "完成 {done}/{count} 题；得分：{score}",
    ),
    "report_at": Text("Report: {path}", "报告：{path}"),
    "checking": Text("Checking {name} ...", "正在检查 {name} ……"),
    # the report of a mock interview
    "title": Text("Mock interview", "模拟面试"),
    "minutes": Text("min", "分钟"),
    "seed": Text("seed", "种子"),
    "result": Text("Result", "结果"),
    "section": Text("section", "环节"),
    "done": Text("done", "完成"),
    "points": Text("points", "得分"),
    "planned": Text("minutes planned", "计划分钟"),
    "used": Text("used", "用时"),
    "compared": Text("Beside the last three", "与最近三次对比"),
    "comparable": Text(
        "Interviews of the same role and level; the newest stands first.",
        "岗位和级别相同的面试，最新的在最前。",
    ),
    "first_of_kind": Text(
        "This is the first interview of this role and level in this folder.",
        "这是该文件夹中同岗位、同级别的第一次面试。",
    ),
    "date": Text("date", "日期"),
    "this_one": Text("this one", "本次"),
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
    "again_same": Text("The same interview again", "再来一次同样的面试"),
    "stopped": Text("Ended early", "提前结束"),
}

# What other modules say in English, with {placeholders}, and its translation.
MESSAGES = {
    # how a session was stopped
    "you typed q": "你输入了 q",
    "the input ended": "输入已结束",
    "Interrupted. Nothing was changed.": "已中断，没有任何改动。",
    # filters
    "There is no {what} {value}. Choose one of:\n{listed}": (
        "{what} 没有 {value} 这个取值。可选：\n{listed}"
    ),
    "There is no {what} {value} (did you mean {other}?). Choose one of:\n{listed}": (
        "{what} 没有 {value} 这个取值（是否想输入 {other}？）。可选：\n{listed}"
    ),
    "topic": "主题",
    "level": "级别",
    "kind": "类型",
    "role": "岗位",
    "length": "时长",
    "Nothing in the bank is {asked}: drop one of these filters.": (
        "题库里没有同时符合 {asked} 的内容：请去掉一个筛选条件。"
    ),
    "The bank of questions has {count} faults:\n{faults}\nRepair these lines (or "
    "restore the files from git), then try again.": (
        "题库有 {count} 处错误：\n{faults}\n请修正这些行（或用 git 恢复文件）后重试。"
    ),
    "Nothing was found for {query}: try fewer or other words.": (
        "没有找到 {query}：请减少词语或换个说法。"
    ),
    "There is no question {name}. `digitdreams questions list` shows all.": (
        "没有题目 {name}。`digitdreams questions list` 列出全部题目。"
    ),
    "There is no question {name} (did you mean {other}?). `digitdreams questions "
    "list` shows all.": (
        "没有题目 {name}（是否想输入 {other}？）。"
        "`digitdreams questions list` 列出全部题目。"
    ),
    "There is no problem {name}. `digitdreams problems list` shows all.": (
        "没有编程题 {name}。`digitdreams problems list` 列出全部编程题。"
    ),
    "There is no problem {name} (did you mean {other}?). `digitdreams problems "
    "list` shows all.": (
        "没有编程题 {name}（是否想输入 {other}？）。"
        "`digitdreams problems list` 列出全部编程题。"
    ),
    "This copy of the course holds no interview questions ({folder} is not there): "
    "it was made without answers. Take the whole course, or name your own folder of "
    "questions in DIGITDREAMS_QUESTIONS.": (
        "这份课程不含面试题（{folder} 不存在）：它是不带答案的版本。请使用完整课程，"
        "或用 DIGITDREAMS_QUESTIONS 指定自己的题库文件夹。"
    ),
    "This copy of the course holds no coding problems ({folder} is not there): it "
    "was made without answers. Take the whole course.": (
        "这份课程不含编程题（{folder} 不存在）：它是不带答案的版本。请使用完整课程。"
    ),
    # files
    "{path} does not exist": "{path} 不存在",
    "{path}.py does not exist: type `digitdreams problems start {name}` first": (
        "{path}.py 不存在：请先运行 `digitdreams problems start {name}`"
    ),
    "{path} is in the way: rename it": "{path} 占用了这个名字：请改名",
    "{path} is in the way of the interview's folder: rename it": (
        "{path} 占用了面试文件夹的位置：请改名"
    ),
    "{path} is full of interviews of this second": "{path} 里这一秒的面试太多",
    "{path} exists and stays as it is. To begin anew, rename that file first.": (
        "{path} 已存在，不会被覆盖。要重新开始，请先给它改名。"
    ),
    "{path} exists and stays as it is: name another file": (
        "{path} 已存在，不会被覆盖：请换一个文件名"
    ),
    "{path} cannot be written ({reason}): make {folder} writable": (
        "无法写入 {path}（{reason}）：请让 {folder} 可写"
    ),
    "{path} cannot be written: there is no folder {folder}": (
        "无法写入 {path}：文件夹 {folder} 不存在"
    ),
    "{path} cannot be written: {reason}": "无法写入 {path}：{reason}",
    "{path} cannot be read: {reason}": "无法读取 {path}：{reason}",
    "{path} cannot be made ({reason}): make {folder} writable, or name another "
    "folder with --folder": (
        "无法创建 {path}（{reason}）：请让 {folder} 可写，或用 --folder 指定其他文件夹"
    ),
    "{path} must end in .apkg, or Anki does not open it": (
        "{path} 须以 .apkg 结尾，否则 Anki 打不开"
    ),
    "No such file or directory": "没有这个文件或文件夹",
    "Permission denied": "没有权限",
    "Not a directory": "不是文件夹",
    "Is a directory": "是文件夹",
    "File exists": "文件已存在",
    "No space left on device": "磁盘已满",
    "Read-only file system": "文件系统只读",
    # progress
    "Your progress cannot be kept in {path} ({reason}). Make that folder writable, "
    "or name another file with --progress FILE.": (
        "无法在 {path} 保存进度（{reason}）。请让该文件夹可写，"
        "或用 --progress FILE 指定其他文件。"
    ),
    "{path} is in use by another program: close that one, then try again.": (
        "{path} 正被另一个程序使用：请关闭那个程序后重试。"
    ),
    "{path} was written by a newer version of the course: update the course, or name "
    "another file with --progress FILE.": (
        "{path} 由更新版本的课程写成：请更新课程，或用 --progress FILE 指定其他文件。"
    ),
    "{path} was damaged while it was in use ({reason}): rename it, and begin again.": (
        "{path} 在使用中损坏（{reason}）：请给它改名后重新开始。"
    ),
    "The progress file is damaged. It was kept as {path}, and a new one was begun "
    "with {count} ratings that could be read. If you have an export, `digitdreams "
    "progress import FILE` brings it back.": (
        "进度文件已损坏，原文件保留为 {path}；新文件里恢复了 {count} 次可读的评分。"
        "如有导出文件，可用 `digitdreams progress import FILE` 恢复。"
    ),
    "{path} cannot be used: it is not text in UTF-8": (
        "{path} 无法使用：不是 UTF-8 文本"
    ),
    "{path} cannot be used: {reason}. Nothing was added.": (
        "{path} 无法使用：{reason}。没有添加任何内容。"
    ),
    "it is not JSON: {reason}": "不是 JSON（{reason}）",
    "it is nested too deeply": "嵌套过深",
    "it holds no list `reviews`: was it exported by the course?": (
        "没有 `reviews` 列表：它是由本课程导出的吗"
    ),
    "its format is {found}, not {wanted}": "格式是 {found}，应为 {wanted}",
    "review {number} must have the keys {keys}": (
        "第 {number} 条记录必须有这些键：{keys}"
    ),
    "review {number}: {fault}": "第 {number} 条记录：{fault}",
    "{key} is not text": "{key} 不是文本",
    "{key} holds signs that no text can hold": "{key} 含有无法保存的字符",
    "rating is {value}, not 1, 2, 3 or 4": "rating 是 {value}，应为 1、2、3 或 4",
    "seconds is {value}, not a number from 0 to {most}": (
        "seconds 是 {value}，应为 0 到 {most} 之间的数"
    ),
    "rated_at is {value}: the time zone is missing": "rated_at 是 {value}：缺少时区",
    "rated_at is {value}, not a date and time": "rated_at 是 {value}，不是日期和时间",
    "rated_at is {value}, before the year 2000 or in the future": (
        "rated_at 是 {value}，早于 2000 年或在将来"
    ),
    # checks of a reader's code
    "The check did not end and was stopped.": "检查没有结束，已被终止。",
    "The program ended by itself (status {status}) before the check was done: does "
    "it call exit(), or use up the memory?": (
        "检查完成之前程序自行退出（状态 {status}）：是否调用了 exit()，或耗尽了内存？"
    ),
    "{name} is not started: fill in {file}.": "{name} 还没有开始：请补全 {file}。",
    "{file}, line {line} does not run: {error}": "{file} 第 {line} 行无法运行：{error}",
    "{file} does not run: {error}": "{file} 无法运行：{error}",
    "{file} defines no function {name}: keep its name": (
        "{file} 没有定义函数 {name}：请保留原名"
    ),
    "{name} calls exit(): return a value instead": (
        "{name} 调用了 exit()：请改为返回一个值"
    ),
    "{name}: right ({count} cases).": "{name}：正确（{count} 个用例）。",
    "{name}: right.": "{name}：正确。",
    "{name} was still running in line {line} after {limit} s: is a loop endless?": (
        "{name} 运行 {limit} 秒后仍停在第 {line} 行：是否有死循环？"
    ),
    "{name} was still running after {limit} s: is a loop endless?": (
        "{name} 运行 {limit} 秒后仍未结束：是否有死循环？"
    ),
    "{name}, or a function of yours that it calls, is not started: fill in its cell, "
    'run that cell, then this one. hint("{other}") helps.': (
        "{name} 或它调用的函数还没有开始：请补全并运行那个单元，再运行这一个。"
        'hint("{other}") 可以给出提示。'
    ),
    "{name}: keep its arguments as they were: {arguments}": (
        "{name}：请保留原来的参数：{arguments}"
    ),
    "{name} raised {error} in case {number}: {said}": (
        "{name} 在用例 {number} 中引发 {error}：{said}"
    ),
    "{name}, case {number}: {said}": "{name}，用例 {number}：{said}",
    "{name}, case {number}: {said}\nCase {again} is {call}": (
        "{name}，用例 {number}：{said}\n用例 {again} 是 {call}"
    ),
    "{name} raised {error} in case {number}: {said}\nCase {again} is {call}": (
        "{name} 在用例 {number} 中引发 {error}：{said}\n用例 {again} 是 {call}"
    ),
    "it should raise {error}": "应当引发 {error}",
    "{what} is complex: return its real part, with .real": (
        "{what}是复数：请用 .real 返回实部"
    ),
    "{name}: {said} (It raised {error}: {text})": (
        "{name}：{said}（引发了 {error}：{text}）"
    ),
    "{name}: {said} (It raised {error}: )": "{name}：{said}（引发了 {error}）",
    "the function changes its argument {name} itself, and whoever uses that array "
    "later gets the changed one: work on a copy, np.array({other})": (
        "函数改动了参数 {name} 本身，之后用到该数组的代码会得到改动后的值："
        "请先复制，np.array({other})"
    ),
    "the result is of type {kind}: return an array, a number, or a list of these": (
        "结果的类型是 {kind}：请返回数组、数或它们的列表"
    ),
    "the result is of type {kind}: return a keras.Model": (
        "结果的类型是 {kind}：请返回 keras.Model"
    ),
    "{what} is None: did you forget to return it?": "{what}是 None：是否忘了 return？",
    "{what} should be a dictionary with the keys {keys}": (
        "{what}应是字典，键为 {keys}"
    ),
    "{what} should have {count} parts": "{what}应有 {count} 部分",
    "{what} has the shape {found}, expected {wanted}": (
        "{what}的形状是 {found}，应为 {wanted}"
    ),
    "{what} has the type {found}, expected {wanted}": (
        "{what}的类型是 {found}，应为 {wanted}"
    ),
    "{what} contains NaN (not a number)": "{what}含有 NaN",
    "{what} at {place} is {found}, expected {wanted}": (
        "{what}在 {place} 处是 {found}，应为 {wanted}"
    ),
    "{what} is {found}, expected {wanted}": "{what}是 {found}，应为 {wanted}",
    "{function}: {said}": "{function}：{said}",
    "an array of shape {shape}": "形状为 {shape} 的数组",
    "part {number} of {what}": "{what}的第 {number} 部分",
    "the result": "结果",
}
FORMS = {"function": r"\w+"}  # what a placeholder may hold, if not everything
# Placeholders whose contents are messages themselves.
INNER = frozenset(("said", "what", "reason", "fault", "found", "wanted"))


def in_language(language: str) -> dict[str, str]:
    """All words in "en" or "zh", by their keys."""
    return {key: text.in_language(language) for key, text in TABLE.items()}


def option(language: str) -> str:
    """What a command needs to go on in this language: ` --language zh`."""
    return "" if language == "en" else f" --language {language}"


@cache
def patterns() -> list[tuple[re.Pattern[str], str]]:
    """The messages as patterns with their translations, the most literal ones first."""
    found = []
    for english, chinese in MESSAGES.items():
        pieces = re.split(r"\{(\w+)\}", english)
        text = "".join(
            f"(?P<{piece}>{FORMS.get(piece, '.*?')})" if i % 2 else re.escape(piece)
            for i, piece in enumerate(pieces)
        )
        literal = sum(len(piece) for piece in pieces[::2])
        found.append((literal, re.compile(text, re.DOTALL), chinese))
    found.sort(key=lambda entry: -entry[0])
    return [(pattern, chinese) for _, pattern, chinese in found]


def translated(message: str, language: str) -> str:
    """A message in "zh" where it is a known one, else as it is.

    A message is known by the words around what was filled in.
    """
    if language == "en":
        return message
    for pattern, chinese in patterns():
        if match := pattern.fullmatch(message):
            values = {
                key: translated(value, language) if key in INNER else value
                for key, value in match.groupdict().items()
            }
            return chinese.format(**values)
    return message


def name(key: str, language: str) -> str:
    """A topic, level, kind, role or rating as it is shown; others as they are."""
    text = TABLE.get(key) or TABLE.get(key.replace(" ", "_"))
    return text.in_language(language) if text else key
