"""A scene that is ready to play: its script, its cast, and the proof that the two fit together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from agent.errors import ConfigError
from agent.scene.cast import Cast
from agent.scene.script import Script, read


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Compared by identity: what is worked out about a scene may be kept with it."""

    script: Script
    cast: Cast
    folder: Path
    """Where the pictures lie that the scene names."""


def load(path: Path) -> Scene:
    """Read a scene file and the cast beside it.

    Raises:
        ConfigError: a file is missing or wrong, or the scene asks for people or pictures that the cast lacks; one line
            for each fault.
    """
    script = read(path)
    folder = path.parent / (script.beside or "")
    cast = Cast(folder / script.cast)
    lines = [f"{path.name}: {fault}" for fault in _misfits(script, cast)]
    named = [("backdrop", script.backdrop), ("sign.face", script.sign.face)]
    named += [(f"pass.{index}.heading", each.heading) for index, each in enumerate(script.pass_)]
    lines += [
        f"{path.name}: {field}: {name} is not beside the scene; run scripts/build_cast"
        for field, name in named
        if not (folder / name).is_file()
    ]
    if lines:
        raise ConfigError("\n".join(lines))
    return Scene(script, cast, folder)


def _misfits(script: Script, cast: Cast) -> Iterable[str]:
    for person in script.enrolled:
        if not cast.of("enrol", person):
            yield f"enrolled: the cast has no pictures to enrol {person} with"
    for index, actor in enumerate(script.actor):
        for row, (_, name) in enumerate(actor.sprites):
            sprite = cast.sprites.get(name)
            field = f"actor.{index}.sprites.{row}"
            if sprite is None:
                yield f"{field}: the cast has no sprite {name}"
            elif sprite.use != "scene":
                yield f"{field}: {name} is for {sprite.use}, a scene may not show it"
            elif sprite.person != actor.person:
                yield f"{field}: {name} shows somebody else than {actor.person}"
    for index, card in enumerate(script.card):
        if card.person is not None and card.person not in {actor.person for actor in script.actor}:
            yield f"card.{index}.person: {card.person} is not in the scene to hold it"
    for index, event in enumerate(script.event):
        if event.person is not None and event.person not in script.enrolled:
            yield f"event.{index}.person: only somebody enrolled can withdraw"
