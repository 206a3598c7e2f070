"""Amounts and times as people read them."""


def amount(value: float | None, unit: str = "") -> str:
    """A measured value as people read it: `145.20 nats`, `0.9923`."""
    if value is None:
        return "not a number"
    digits = f"{value:.4g}" if abs(value) < 10 else f"{value:,.2f}"
    return f"{digits} {unit}".rstrip()


def duration(seconds: float) -> str:
    """`4.2 s`, `48 s` or `2 min 05 s`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
