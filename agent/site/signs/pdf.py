"""A sheet as PDF through fpdf2: the letters that are used are embedded, so text can be searched and read aloud."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from fpdf import FPDF
from fpdf.drawing import PaintedPath
from fpdf.drawing_primitives import DeviceRGB
from fpdf.enums import TextMode

from agent.site.signs.drawing import Line, Shape, Sheet
from agent.site.signs.fonts import Face, Family
from agent.site.signs.svg import HEAVIER

_MM_PER_POINT: Final = 25.4 / 72


def pdf(sheet: Sheet, family: Family, made: datetime) -> bytes:
    """One page.

    Args:
        made: written into the file as the date of its making.
    """
    return pdf_of((sheet,), family, made)


def pdf_of(sheets: Sequence[Sheet], family: Family, made: datetime) -> bytes:
    """One page for each sheet, all of the first one's size; language and titles are the first one's."""
    first = sheets[0]
    page = FPDF(unit="mm", format=(first.width, first.height))
    page.set_auto_page_break(False)
    page.set_margin(0)
    page.set_creation_date(made)
    page.set_lang(first.language)
    page.set_title(first.title)
    page.set_subject(first.subject)
    page.set_producer("Doorward")
    for name, face in (("regular", family.regular), ("bold", family.bold)):
        if face is not None:
            page.add_font(name, fname=face.file.path, collection_font_number=face.file.place)
    for sheet in sheets:
        page.add_page()
        for item in sheet.items:
            if isinstance(item, Shape):
                _shape(page, item)
            else:
                _line(page, item, family.face(item.bold), "bold" if item.bold and family.bold else "regular", family)
    return bytes(page.output())


def _shape(page: FPDF, shape: Shape) -> None:
    path = PaintedPath()
    for name, numbers in shape.steps:
        if name == "M":
            path.move_to(*numbers)
        elif name == "L":
            path.line_to(*numbers)
        elif name == "C":
            path.curve_to(*numbers)
        else:
            path.close()
    path.style.fill_color = DeviceRGB(*(value / 255 for value in shape.colour))
    path.style.stroke_color = None
    path.style.intersection_rule = "evenodd"
    path.style.auto_close = False
    with page.drawing_context() as context:
        context.add_item(path)


def _line(page: FPDF, line: Line, face: Face, font: str, family: Family) -> None:
    page.set_font(font, size=line.size / _MM_PER_POINT)
    page.set_text_color(*line.colour)
    page.set_draw_color(*line.colour)
    page.set_line_width(HEAVIER * line.size)
    heavier = line.bold and family.bold is None
    with page.local_context(text_mode=TextMode.FILL_STROKE if heavier else TextMode.FILL):
        page.text(line.x, line.y, line.text)
