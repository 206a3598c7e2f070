"""Chinese words and templates."""

import re

from digitdreams.captions.vocabulary import Templates, Vocabulary, Words, arithmetic

NUMBERS = "零一二三四五六七八九"

THICKNESS = {
    "thick": (
        ("细的", "很细的", "细细的", "细一点的"),
        ("粗细适中的", "不粗不细的", "中等粗细的"),
        ("粗的", "很粗的", "粗粗的", "粗一点的"),
    ),
    "strokes": (
        ("笔画细", "线条细", "笔画很细", "线条细一些"),
        ("笔画粗细适中", "线条不粗不细", "笔画中等粗细"),
        ("笔画粗", "线条粗", "笔画很粗", "线条粗一些"),
    ),
    "pen": (
        ("用细笔", "用细一点的笔"),
        ("用中等粗细的笔", "用不粗不细的笔"),
        ("用粗笔", "用粗一点的笔"),
    ),
}
SLANT = {
    "lean": (
        ("向左倾斜的", "往左歪的", "朝左倾斜的", "向左斜的"),
        ("竖直的", "端正的", "直立的", "不倾斜的"),
        ("向右倾斜的", "往右歪的", "朝右倾斜的", "向右斜的"),
    ),
    "leans": (
        ("向左倾斜", "往左歪", "朝左倾斜", "向左斜"),
        ("保持竖直", "写得端正", "不倾斜"),
        ("向右倾斜", "往右歪", "朝右倾斜", "向右斜"),
    ),
    "tilt": (
        ("让它向左倾斜", "往左边斜一点"),
        ("写得竖直", "不要倾斜"),
        ("让它向右倾斜", "往右边斜一点"),
    ),
}

TRAIN = Templates(
    phrases=(
        "一个{digit}",
        "数字{digit}",
        "手写的{digit}",
        "一个手写数字{digit}",
        "一个{thick}{digit}",
        "{thick}数字{digit}",
        "一个{digit}，{strokes}",
        "{pen}写的{digit}",
        "{strokes}的{digit}",
        "一个{lean}{digit}",
        "{lean}数字{digit}",
        "一个{digit}，{leans}",
        "数字{digit}，{leans}",
        "一个{thick}、{lean}{digit}",
        "一个{lean}、{thick}{digit}",
        "一个{lean}{digit}，{strokes}",
        "一个{thick}{digit}，{leans}",
        "{pen}写的、{lean}{digit}",
        "{strokes}、{lean}数字{digit}",
        "数字{digit}，{strokes}，{leans}",
        "数字{digit}，{leans}，{strokes}",
        "一个{thick}{lean}{digit}",
        "{lean}、{thick}数字{digit}",
    ),
    captions=("{x}", "这是{x}"),
    tags=("{digit}，{strokes}，{leans}", "{digit}，{strokes}", "{digit}，{leans}"),
    requests=(
        "画{x}",
        "请画{x}。",
        "请写{x}。",
        "帮我画{x}。",
        "我想要{x}。",
        "给我看{x}。",
        "请给我{x}。",
        "能帮我画一下吗？{x}。",
        "一张图片，上面是{x}。",
        "生成一张图片：{x}。",
    ),
    sentences=(
        "请{pen}写数字{digit}，{tilt}。",
        "写一个{digit}，{strokes}，{tilt}。",
        "{pen}画一个{digit}，{tilt}。",
        "写一个{thick}{digit}，{tilt}。",
        "请{pen}写数字{digit}。",
        "{pen}画一个{digit}。",
        "写一个{digit}，{tilt}。",
        "请写数字{digit}，但是{tilt}。",
    ),
    distractors=(
        "我有{n}支笔和{m}张纸，请画{x}。",
        "现在是{n}点，请画{x}。",
        "我妹妹{n}岁，她想要{x}。",
        "树上有{n}只松鼠和{m}只猫头鹰，不过我要的是{x}。",
        "不要{other}，请画{x}。",
        "不是{other}，而是{x}。",
        "试了{n}次以后，我想看{x}。",
    ),
    distracting=(
        "要{thick}{digit}，不要{unthick}",
        "画一个{lean}{digit}，不要{unlean}。",
        "要{thick}{digit}，不要{unthick}，而且{leans}。",
    ),
    riddles=(
        "画出{riddle}。",
        "{riddle}是多少？请写出来。",
        "{riddle}是多少？请{pen}写出来。",
        "请{pen}画出{riddle}。",
        "写出{riddle}，{tilt}。",
        "{riddle}是多少？写出来，{leans}。",
        "{riddle}是多少？请{pen}写出来，{tilt}。",
        "请写出{riddle}，{strokes}，{leans}。",
        "算出{riddle}，{strokes}，{tilt}。",
    ),
)
UNSEEN = Templates(
    phrases=(
        "阿拉伯数字{digit}",
        "手写体的{digit}",
        "{digit}这个数字，{strokes}",
        "{pen}写成的{digit}",
        "{digit}这个数字，{leans}",
        "手写体的{digit}，整体{leans}",
        "{digit}这个数字，{leans}，{strokes}",
        "手写体的{digit}，{strokes}，整体{leans}",
        "{pen}写成的{digit}，{leans}",
        "{leans}、{strokes}的阿拉伯数字{digit}",
        "{thick}、{lean}阿拉伯数字{digit}",
    ),
    captions=("图中是{x}", "图片里有{x}"),
    tags=("{leans}，{strokes}，{digit}", "{strokes}，{digit}", "{leans}，{digit}"),
    requests=(
        "麻烦画{x}。",
        "我需要{x}。",
        "请展示{x}。",
        "在纸上写下{x}。",
        "我的要求是：{x}。",
    ),
    sentences=(
        "{tilt}，{pen}写出数字{digit}。",
        "要写的数字是{digit}，{strokes}，并且{leans}。",
        "要写的数字是{digit}，{strokes}。",
        "要写的数字是{digit}，{tilt}。",
    ),
    distractors=(
        "买了{n}个苹果和{m}个梨以后，他画了{x}。",
        "还有{n}分钟上课，快写{x}。",
        "这次不写{other}，写{x}。",
        "还有{n}页作业和{m}道题，先写{x}。",
    ),
    distracting=(
        "除了{other}都可以，那就写{digit}吧。",
        "宁可要{thick}，也不要{unthick}，写{digit}吧。",
        "宁可要{lean}，也不要{unlean}，写{digit}吧。",
        "宁可要{thick}，也不要{unthick}，写一个{lean}{digit}吧。",
    ),
    riddles=(
        "请告诉我{riddle}，写成数字。",
        "{pen}写下{riddle}。",
        "请想一想{riddle}，写下来，{tilt}。",
        "{pen}写下{riddle}，{leans}。",
        "请算一算{riddle}，写下结果，{strokes}，{tilt}。",
    ),
)

FACTS = {
    0: ("蛇的腿数", "圆的角数"),
    1: ("独角兽的角数", "大象的鼻子数"),
    2: ("自行车的轮子数", "一只鸟的翅膀数"),
    3: ("三轮车的轮子数", "三叶草的叶片数"),
    4: ("一只狗的腿数", "一年的季节数"),
    5: ("一只脚的脚趾数", "海星的腕数"),
    6: ("一只蚂蚁的腿数", "正方体的面数"),
    7: ("彩虹的颜色数", "北斗星的颗数"),
    8: ("正方体的顶点数", "一个字节的比特数"),
    9: ("棒球队上场的人数", "九宫格的格子数"),
}
FORMS: dict[str, dict[str, Words]] = {
    "train": {
        "after": ("{a}后面的数", "比{a}大一的数"),
        "before": ("{a}前面的数", "比{a}小一的数"),
        "sums": ("{a}加{b}",),
        "differences": ("{a}减{b}",),
        "products": ("{a}乘{b}",),
        "halves": ("{a}的一半",),
    },
    "unseen": {
        "after": ("紧跟在{a}之后的数",),
        "before": ("排在{a}之前的那个数",),
        "sums": ("{a}与{b}的和",),
        "differences": ("{a}与{b}的差",),
    },
}
COUNTED = {
    "train": "{a}只松鼠和{b}只猫头鹰里鸟的数量",
    "unseen": "{a}只兔子和{b}条鲤鱼里鱼的数量",
}


def described(split: str) -> list[list[str]]:
    found = arithmetic(NUMBERS, **FORMS[split])
    for digit in range(2, 10):
        for other in (3, 5, 8):
            sentence = COUNTED[split].format(a=NUMBERS[other], b=NUMBERS[digit])
            found[digit].append(re.sub("二(只|条)", r"两\1", sentence))
    if split == "train":
        for digit, facts in FACTS.items():
            found[digit] += facts
    return found


VOCABULARY = Vocabulary(
    digits=[(word, str(digit)) for digit, word in enumerate(NUMBERS)],
    thickness=THICKNESS,
    slant=SLANT,
    counts="两三四五六七八九",
    templates={"train": TRAIN, "unseen": UNSEEN},
    riddles={split: described(split) for split in FORMS},
    neutral=("一个", "一张", "一下", "一点"),
    spaced=False,
)
