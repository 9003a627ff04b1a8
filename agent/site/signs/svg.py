"""A sheet as SVG: every letter an outline, so that it looks and prints the same on every machine.

Each glyph is written once and used many times. The whole text stands in `desc` for those who cannot see it.
"""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from agent.site.signs.drawing import Colour, Line, Shape, Sheet, Steps
from agent.site.signs.fonts import Face, Family

HEAVIER = 0.034
"""Width of the pen that makes a regular face bold, in parts of the em."""


def svg(sheet: Sheet, family: Family) -> bytes:
    glyphs: dict[tuple[bool, str], str] = {}
    drawn = "\n".join(_shape(item) if isinstance(item, Shape) else _line(item, family, glyphs) for item in sheet.items)
    defined = "".join(
        f'<path id="{name}" d="{family.face(bold).outline(glyph)}"/>' for (bold, glyph), name in glyphs.items()
    )
    text = "\n".join(item.text for item in sheet.items if isinstance(item, Line))
    size = f'width="{sheet.width:g}mm" height="{sheet.height:g}mm" viewBox="0 0 {sheet.width:g} {sheet.height:g}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" xml:lang={quoteattr(sheet.language)}>\n'
        f"<title>{escape(sheet.title)}</title>\n<desc>{escape(text)}</desc>\n<defs>{defined}</defs>\n"
        f'<rect width="{sheet.width:g}" height="{sheet.height:g}" fill="#fff"/>\n{drawn}\n</svg>\n'
    ).encode()


def _shape(shape: Shape) -> str:
    return f'<path fill="{_hex(shape.colour)}" fill-rule="evenodd" d="{_path(shape.steps)}"/>'


def _path(steps: Steps) -> str:
    return "".join(name + " ".join(f"{round(value, 3):.10g}" for value in numbers) for name, numbers in steps)


def _line(line: Line, family: Family, glyphs: dict[tuple[bool, str], str]) -> str:
    face = family.face(line.bold)
    scale, place, used = line.size / face.units, 0.0, []
    for glyph in face.glyphs(line.text):
        name = glyphs.setdefault((line.bold, glyph), f"g{len(glyphs)}")
        if not glyph.startswith("space"):
            used.append(f'<use href="#{name}" x="{place * face.units:.0f}"/>')
        place += face.advance(glyph)
    return (
        f'<g fill="{_hex(line.colour)}"{_pen(line, family, face)} '
        f'transform="matrix({scale:.6g} 0 0 {-scale:.6g} {line.x:.3f} {line.y:.3f})">{"".join(used)}</g>'
    )


def _pen(line: Line, family: Family, face: Face) -> str:
    if not line.bold or family.bold is not None:
        return ""
    return f' stroke="{_hex(line.colour)}" stroke-width="{HEAVIER * face.units:.0f}" stroke-linejoin="round"'


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
