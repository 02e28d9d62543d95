"""Line plots as SVG, written by hand so that the docs need no plotting library. It refuses to be general."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 760, 300
LEFT, RIGHT, TOP, BOTTOM = 62, 16, 34, 46
COLOURS = ("#1f6feb", "#d1242f", "#1a7f37", "#9a6700", "#8250df", "#57606a")


@dataclass
class Plot:
    """One plot: curves, level lines and bands over given ranges."""

    title: str
    x_label: str
    y_label: str
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    x_ticks: Sequence[float]
    y_ticks: Sequence[float]
    _parts: list[str] = field(default_factory=list)
    _names: list[tuple[str, str]] = field(default_factory=list)

    def _x(self, value: float) -> float:
        low, high = self.x_range
        return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def _y(self, value: float) -> float:
        low, high = self.y_range
        return HEIGHT - BOTTOM - (min(max(value, low), high) - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    def curve(self, xs: Sequence[float], ys: Sequence[float], name: str = "", width: float = 1.6) -> None:
        """A polyline; with a name it gets the next colour and a place in the legend."""
        colour = COLOURS[len(self._names) % len(COLOURS)] if name else COLOURS[-1]
        if name:
            self._names.append((name, colour))
        points = " ".join(f"{self._x(x):.1f},{self._y(y):.1f}" for x, y in zip(xs, ys, strict=True))
        self._parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width}"/>'
        )

    def band(self, start: float, stop: float, name: str) -> None:
        """A shaded stretch of the x axis."""
        x, wide = self._x(start), self._x(stop) - self._x(start)
        self._parts.insert(
            0,
            f'<rect x="{x:.1f}" y="{TOP}" width="{wide:.1f}" height="{HEIGHT - TOP - BOTTOM}" fill="#8c959f" opacity="0.18"/>',
        )
        self._parts.append(f'<text x="{x + 4:.1f}" y="{TOP + 12}" class="s">{escape(name)}</text>')

    def level(self, value: float, name: str) -> None:
        """A dashed line across at one height."""
        y = self._y(value)
        self._parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#57606a" stroke-dasharray="5 4"/>'
            f'<text x="{WIDTH - RIGHT - 4}" y="{y - 4:.1f}" text-anchor="end" class="s">{escape(name)}</text>'
        )

    def write(self, path: Path) -> None:
        """Write the plot as one SVG file."""
        out = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(self.title)}">',
            "<style>text{font:13px sans-serif;fill:#24292f}.s{font-size:11px;fill:#57606a}</style>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/><text x="{LEFT}" y="20" font-weight="bold">{escape(self.title)}</text>',
        ]
        for tick in self.x_ticks:
            x = self._x(tick)
            out.append(
                f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="#d0d7de"/>'
            )
            out.append(
                f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle" class="s">{tick:g}</text>'
            )
        for tick in self.y_ticks:
            y = self._y(tick)
            out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#d0d7de"/>')
            out.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" class="s">{tick:g}</text>')
        out += self._parts
        middle = (HEIGHT - BOTTOM + TOP) / 2
        out.append(
            f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">{escape(self.x_label)}</text>'
        )
        out.append(
            f'<text transform="translate(16 {middle}) rotate(-90)" text-anchor="middle">{escape(self.y_label)}</text>'
        )
        at = float(WIDTH - RIGHT)
        for name, colour in reversed(self._names):
            at -= 8 * len(name) + 26
            out.append(f'<line x1="{at}" x2="{at + 18}" y1="16" y2="16" stroke="{colour}" stroke-width="3"/>')
            out.append(f'<text x="{at + 22}" y="20" class="s">{escape(name)}</text>')
        path.write_text("\n".join([*out, "</svg>", ""]))
